//! Credentials as a program gives them: what is wrong with one names the argument, and no variable that nobody has set.

use secrecy::{ExposeSecret, SecretString};

use super::invalid;
use super::keys::{Keys, in_client_id, in_password, in_username};
use super::variables::Given;
use crate::{Credentials, Result};

/// The credentials in the arguments of [`Credentials::new`]. What else people write there is read as variables are.
pub(crate) fn credentials(username: &str, password: &SecretString, client_id: &str) -> Result<Credentials> {
    let mut keys = Keys::default();
    if let Some(given) = Given::read("username", username)? {
        in_username(given, &mut keys)?;
    }
    if let Some(given) = Given::read("password", password.expose_secret())? {
        in_password(given, &mut keys)?;
    }
    let client_id = Given::read("client_id", client_id)?.map(in_client_id).transpose()?;
    let (Some(company), Some(public_key)) = (keys.company, keys.public_key) else {
        return Err(invalid("username", "is empty: give company+publicKey of the API member"));
    };
    let private_key =
        keys.private_key.ok_or_else(|| invalid("password", "is empty: give the private key of the API member"))?;
    let client_id = client_id.ok_or_else(|| {
        invalid("client_id", "is empty: give the client id of your integration, from developer.connectwise.com")
    })?;
    Ok(Credentials {
        username: format!("{}+{}", company.value, public_key.value),
        password: private_key.value.into(),
        client_id: client_id.value,
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use crate::{Config, Credentials};

    const GUID: &str = "11111111-2222-3333-4444-555555555555";

    #[test]
    fn what_is_wrong_names_the_argument() {
        let table = [
            (["", "geheim", GUID], "username is empty: give company+publicKey of the API member"),
            (["acme", "geheim", GUID], "username must have the form company+publicKey"),
            (["acme+pub", " ", GUID], "password is empty: give the private key of the API member"),
            (
                ["acme+pub", "acme+pub", GUID],
                "password holds company+publicKey, the user name: give the private key of the API member here",
            ),
            (["acme+pub", "a\u{0}b", GUID], "password holds a line break or another control character"),
            (
                ["acme+pub", "geheim", ""],
                "client_id is empty: give the client id of your integration, from developer.connectwise.com",
            ),
            (["acme+pub", "geheim", "a b"], "client_id must be a GUID, without spaces or line breaks"),
            (
                ["acme+pub:one", "two", GUID],
                "username and password are set to different values and mean the same: leave one of them out",
            ),
        ];
        for ([username, password, client_id], expected) in table {
            let error = Credentials::new(username, password, client_id).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert!(error.is_config());
        }
        let credentials = Credentials::new("acme+pub", "geheim", GUID).unwrap();
        let error = Config::new("ftp://h", credentials).unwrap_err().to_string();
        assert!(error.starts_with("base_url "), "{error}");
    }

    #[test]
    fn what_is_written_in_other_ways_is_repaired() {
        // printf 'acme+pub:geheim' | base64
        for (username, password) in
            [(" acme + pub ", "'geheim'"), ("acme+pub:geheim", ""), ("Basic YWNtZStwdWI6Z2VoZWlt", "")]
        {
            let credentials = Credentials::new(username, password, format!("{{{GUID}}}")).unwrap();
            assert_eq!(credentials.authorization().expose_secret(), "Basic YWNtZStwdWI6Z2VoZWlt");
            assert_eq!(credentials.client_id(), GUID);
        }
    }
}
