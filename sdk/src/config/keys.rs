//! Who asks, in the ways in which people write it down: `company+publicKey`, with `:privateKey` behind it, or as the header of
//! a request.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::clean::clean;
use super::invalid;
use super::variables::{Given, disagree};
use crate::Result;

/// What the variables of one place say.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) company: Option<Given>,
    pub(super) public_key: Option<Given>,
    pub(super) private_key: Option<Given>,
}

/// Credentials that stand together in one value.
struct Together {
    company: String,
    public_key: String,
    private_key: Option<String>,
}

impl Keys {
    fn take(&mut self, name: &'static str, found: Together) -> Result<()> {
        let Together { company, public_key, private_key } = found;
        put(&mut self.company, Given { name, value: company }, str::eq_ignore_ascii_case)?;
        put(&mut self.public_key, Given { name, value: public_key }, |one, other| one == other)?;
        match private_key {
            Some(value) => put(&mut self.private_key, Given { name, value }, |one, other| one == other),
            None => Ok(()),
        }
    }
}

/// What is said twice has to be the same.
fn put(place: &mut Option<Given>, given: Given, same: impl Fn(&str, &str) -> bool) -> Result<()> {
    match place {
        Some(known) if !same(&known.value, &given.value) => Err(disagree(known.name, given.name)),
        Some(_) => Ok(()),
        None => {
            *place = Some(given);
            Ok(())
        }
    }
}

pub(super) fn in_username(Given { name, value }: Given, keys: &mut Keys) -> Result<()> {
    let wrong = || invalid(name, "must have the form company+publicKey");
    let found = header(name, &value)?.or_else(|| together(&value)).ok_or_else(wrong)?;
    keys.take(name, found)
}

pub(super) fn in_company(given: Given, keys: &mut Keys) -> Result<()> {
    let Given { name, value } = &given;
    if let Some(found) = header(name, value)?.or_else(|| together(value)) {
        return keys.take(name, found);
    }
    if value.contains(['/', '+', ':', ' ']) {
        return Err(invalid(name, "must be the company id of the login page, a short name without spaces"));
    }
    put(&mut keys.company, given, str::eq_ignore_ascii_case)
}

pub(super) fn in_public_key(given: Given, keys: &mut Keys) -> Result<()> {
    let Given { name, value } = &given;
    if let Some(found) = header(name, value)?.or_else(|| together(value)) {
        return keys.take(name, found);
    }
    if value.contains(['+', ':', ' ']) {
        return Err(invalid(name, "must be the public key of the API member alone"));
    }
    put(&mut keys.public_key, given, |one, other| one == other)
}

/// A password may hold anything, so it is only taken apart where it begins as the user name does, or where there is none.
pub(super) fn in_password(given: Given, keys: &mut Keys) -> Result<()> {
    let Given { name, value } = &given;
    if let Some(found) = header(name, value)? {
        return keys.take(name, found);
    }
    if let Some(found) = together(value) {
        let own = keys.company.as_ref().is_none_or(|company| company.value.eq_ignore_ascii_case(&found.company));
        if own && found.private_key.is_some() {
            return keys.take(name, found);
        }
        if own {
            return Err(invalid(
                name,
                "holds company+publicKey, the user name: give the private key of the API member here",
            ));
        }
    }
    put(&mut keys.private_key, given, |one, other| one == other)
}

pub(super) fn in_client_id(Given { name, value }: Given) -> Result<Given> {
    let value = match value.split_once(':') {
        Some((header, id)) if header.trim().eq_ignore_ascii_case("clientid") => clean(id),
        _ => value.as_str(),
    };
    let value = value.strip_prefix('{').and_then(|id| id.strip_suffix('}')).unwrap_or(value);
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid(name, "must be a GUID, without spaces or line breaks"));
    }
    if value.contains(['+', ':']) {
        return Err(invalid(name, "must be the client id of the integration, not the credentials of the API member"));
    }
    Ok(Given { name, value: value.to_owned() })
}

/// The credentials in a header of a request, `Authorization: Basic ...`; `None` when the value isn't one.
fn header(name: &'static str, value: &str) -> Result<Option<Together>> {
    let value = after(value, "authorization:").unwrap_or(value);
    let Some(encoded) = after(value, "basic ") else { return Ok(None) };
    let decoded = STANDARD.decode(encoded.trim_end_matches(['\'', '"'])).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let found = text.as_deref().and_then(together).filter(|found| found.private_key.is_some());
    let wrong = "holds a header \"Basic ...\" that isn't company+publicKey:privateKey in Base64: copy all of it";
    found.map(Some).ok_or_else(|| invalid(name, wrong))
}

/// What stands behind a beginning, whose case doesn't count.
fn after<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(beginning.len())?;
    head.eq_ignore_ascii_case(beginning).then(|| clean(rest))
}

/// `company+publicKey`, and `:privateKey` where it is there, with white space anywhere.
fn together(value: &str) -> Option<Together> {
    let (company, rest) = value.split_once('+')?;
    let (public_key, private_key) = match rest.split_once(':') {
        Some((public_key, private_key)) => (public_key, Some(clean(private_key).to_owned())),
        None => (rest, None),
    };
    let (company, public_key) = (clean(company), clean(public_key));
    let plain = |text: &str| !text.is_empty() && !text.contains(['/', ':', ' ']);
    let whole = private_key.as_ref().is_none_or(|key| !key.is_empty());
    (plain(company) && plain(public_key) && whole).then(|| Together {
        company: company.to_owned(),
        public_key: public_key.to_owned(),
        private_key,
    })
}
