//! Which names sound like secrets, for values that no catalogue declares.

/// Parts of names that only secrets have.
const PARTS: [&str; 8] =
    ["password", "passwd", "secret", "privatekey", "licensekey", "encryptionkey", "apikey", "passphrase"];

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
}
