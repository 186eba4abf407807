//! Changes of operations.

use super::view::{Callable, View};
use super::{Change, Severity};

pub(super) fn compare(old: &View, new: &View, changes: &mut Vec<Change>) {
    for ((method, path), call) in &old.calls {
        let subject = format!("{method} {path}");
        match new.calls.get(&(method.clone(), path.clone())) {
            None => changes.push(gone(&subject, call)),
            Some(other) if other != call => changes.push(changed(&subject, call, other)),
            Some(_) => {}
        }
    }
    for ((method, path), call) in &new.calls {
        if !old.calls.contains_key(&(method.clone(), path.clone())) {
            let change = Change::new(Severity::Additive, &format!("{method} {path}"), "is new");
            changes.push(change.sdk(match call.name.as_str() {
                "" => "excluded by api.toml".to_owned(),
                name => format!("`{name}` is new"),
            }));
        }
    }
}

fn gone(subject: &str, call: &Callable) -> Change {
    match call.name.as_str() {
        "" => Change::new(Severity::Tolerant, subject, "is gone; it was excluded by api.toml"),
        name => Change::new(Severity::Breaking, subject, "is gone").sdk(format!("`{name}` is gone")),
    }
}

fn changed(subject: &str, old: &Callable, new: &Callable) -> Change {
    if old.name != new.name {
        let what = format!("is called by another name (operation {} -> {})", old.id, new.id);
        let name =
            |call: &Callable| if call.name.is_empty() { "nothing".to_owned() } else { format!("`{}`", call.name) };
        let severity = if old.name.is_empty() { Severity::Additive } else { Severity::Breaking };
        return Change::new(severity, subject, &what).sdk(format!("{} becomes {}", name(old), name(new)));
    }
    if old.signature != new.signature {
        let change = Change::new(Severity::Breaking, subject, "takes or answers with something else");
        return change.sdk(format!("`{}`: `{}` becomes `{}`", old.name, old.signature, new.signature));
    }
    let what = format!("has another operation id ({} -> {})", old.id, new.id);
    Change::new(Severity::Tolerant, subject, &what).sdk(format!("`{}` stays", old.name))
}
