//! What parses bytes of others without a lakehouse: the SDK, the simulator and the generator.
//!
//! A function here takes any bytes and must neither panic nor run without end. Where another reader can read the same bytes,
//! both have to agree.

use connectwise_codegen::{Document, facts};
use connectwise_sdk::RecordText;
use connectwise_sdk::conditions::field;
use serde_json::value::RawValue;

/// A page of a list into its records, as serde_json splits it.
pub(crate) fn records(page: &[u8]) {
    let ours = RecordText::split(page);
    if let Ok(theirs) = serde_json::from_slice::<Vec<&RawValue>>(page) {
        let ours: Vec<_> =
            ours.expect("serde_json reads the page").iter().map(|record| record.get().to_owned()).collect();
        let theirs: Vec<_> = theirs.iter().map(|record| record.get()).collect();
        assert_eq!(ours, theirs);
    }
}

/// Any text as a condition at the server; and as the value of one, which then has to read as one comparison with that value.
pub(crate) fn conditions(bytes: &[u8]) {
    let any = String::from_utf8_lossy(bytes);
    connectwise_sim::parse_condition("TimeEntry", &any).ok();
    for condition in [field("notes").eq(&*any), field("notes").like(&*any)] {
        if condition.check().is_err() {
            return;
        }
        let condition = condition.to_string();
        if let Err(refusal) = connectwise_sim::parse_condition("TimeEntry", &condition) {
            panic!("{condition:?} of the value {any:?} is refused: {refusal}");
        }
    }
}

/// An interface document into the facts form, which reads back as the same facts.
pub(crate) fn interface(document: &[u8]) {
    let Ok(document) = Document::parse("fuzzed.json", document) else { return };
    let imported = facts(&document);
    let again = Document::parse("imported.json", imported.as_bytes()).expect("what was imported is a document");
    assert_eq!(facts(&again), imported);
}
