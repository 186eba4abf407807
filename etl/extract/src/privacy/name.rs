//! Which names sound like secrets, or like personal data, for values that no catalogue declares.

/// Parts of names that only secrets have.
const PARTS: [&str; 8] =
    ["password", "passwd", "secret", "privatekey", "licensekey", "encryptionkey", "apikey", "passphrase"];

/// Parts of names, in lower case, by which people are named, found or told apart.
const PERSONAL: [&str; 37] = [
    "contactname",
    "contact/name",
    "firstname",
    "lastname",
    "middleinitial",
    "nickname",
    "maidenname",
    "attention",
    "mail",
    "phone",
    "fax",
    "mobile",
    "pager",
    "extension",
    "address",
    "street",
    "zip",
    "postal",
    "city",
    "/state",
    "stateidentifier",
    "birth",
    "anniversary",
    "gender",
    "married",
    "spouse",
    "significantother",
    "children",
    "school",
    "ssn",
    "passport",
    "linkedin",
    "facebook",
    "twitter",
    "loginname",
    "username",
    "signature",
];

/// Whether a property at this path, as `member/homePhone`, is called like personal data.
pub fn is_personal(path: &str) -> bool {
    let path = format!("/{path}").to_lowercase();
    PERSONAL.iter().any(|part| path.contains(part))
}

/// Whether a property that isn't declared, or is inside a free-form value, is called like a secret.
pub fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    name.ends_with("token") || PARTS.iter().any(|part| name.contains(part))
}

/// Whether a text could hold a property that is called like a secret: cheap, and never a miss.
pub fn mentions_secret(text: &str) -> bool {
    let text = text.to_lowercase();
    ["pass", "secret", "key", "token", "\\u"].iter().any(|part| text.contains(part))
}

/// Whether a custom field of this type holds a password.
pub fn is_password_type(kind: &str) -> bool {
    is_secret(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_however_they_are_written() {
        for name in ["password", "PortalPassword", "client_secret", "private-key", "token", "accessToken", "API key"] {
            assert!(is_secret(name), "{name}");
            assert!(mentions_secret(name), "{name}");
        }
        for name in ["licenseClass", "publicKey", "tokenizedName", "keyword", "name"] {
            assert!(!is_secret(name), "{name}");
        }
        assert!(is_password_type(" Password"));
        assert!(!is_password_type("Text"));
    }

    #[test]
    fn personal_data_is_known_at_any_depth() {
        for path in ["homePhone", "member/Email", "a/b/lastName", "state"] {
            assert!(is_personal(path), "{path}");
        }
        for path in ["status", "additionStatus", "estate", "grade/name"] {
            assert!(!is_personal(path), "{path}");
        }
    }
}
