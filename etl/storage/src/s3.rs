//! Amazon S3, and stores that speak its protocol.

use std::collections::HashMap;
use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key, S3ConditionalPut};
use object_store::{ClientConfigKey, ObjectStore, RetryConfig};
use url::Url;

use crate::error::{Error, Result};
use crate::store_options::{Credentials, Hidden, Opening, StoreOptions, is_on};
use crate::tokens::is_token;

/// The last two are set by AWS in its containers.
const OPENING: Opening<Key> = Opening {
    credentials: &[
        Credentials { own: &[Key::AccessKeyId, Key::SecretAccessKey], shared: &[], optional: &[Key::Token] },
        Credentials { own: &[Key::WebIdentityTokenFile], shared: &[Key::RoleArn], optional: &[] },
        Credentials { own: &[Key::ContainerCredentialsRelativeUri], shared: &[], optional: &[] },
        Credentials {
            own: &[Key::ContainerCredentialsFullUri, Key::ContainerAuthorizationTokenFile],
            shared: &[],
            optional: &[],
        },
    ],
    switches: &[],
    machine: "aws_use_instance_profile",
    identities: &[Key::MetadataEndpoint],
    unsigned: &[Key::SkipSignature],
};

pub(crate) fn store(root: &Url, options: &StoreOptions, retry: RetryConfig) -> Result<Arc<dyn ObjectStore>> {
    if options.tokens().is_some() {
        return Err(Error::foreign_tokens(root));
    }
    let chosen = options.chosen(&OPENING);
    if !chosen.opens {
        return Err(Error::no_aws_credentials(root, &lacking(&chosen.settings)));
    }
    let settings = chosen.settings;
    for key in [Key::AccessKeyId, Key::SecretAccessKey, Key::Token] {
        if settings.get(&key).is_some_and(|value| !is_token(value)) {
            return Err(Error::malformed_secret(&variable(key)));
        }
    }
    let endpoint = settings.get(&Key::S3Endpoint).or_else(|| settings.get(&Key::Endpoint));
    let is_plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    if is_plain && !is_on(settings.get(&Key::Client(ClientConfigKey::AllowHttp))) {
        return Err(Error::plain_http(root));
    }
    let mut builder = AmazonS3Builder::new().with_url(root.as_str()).with_retry(retry);
    for (key, value) in settings {
        builder = builder.with_config(key, value);
    }
    // Two writers at one commit are told apart by it, whatever the settings say.
    let builder = builder.with_conditional_put(S3ConditionalPut::ETagMatch);
    let bad = |error: object_store::Error| Error::store_settings(root).with_source(error);
    let credentials = Hidden(builder.clone().build().map_err(bad)?.credentials().clone());
    Ok(Arc::new(builder.with_credentials(Arc::new(credentials)).build().map_err(bad)?))
}

/// What lacks of a key of which a part is set.
fn lacking(settings: &HashMap<Key, String>) -> Vec<String> {
    let pairs = [[Key::AccessKeyId, Key::SecretAccessKey], [Key::WebIdentityTokenFile, Key::RoleArn]];
    let lacking = |pair: &[Key; 2]| match pair.map(|key| settings.contains_key(&key)) {
        [true, false] => pair.last().copied(),
        [false, true] => pair.first().copied(),
        _ => None,
    };
    pairs.iter().filter_map(lacking).map(variable).collect()
}

/// The name of a setting's variable.
fn variable(key: Key) -> String {
    key.as_ref().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::stores::tests::place;

    const BUCKET: &str = "s3://bucket/lake/";
    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "geheim")];
    const SESSION: (&str, &str) = ("AWS_SESSION_TOKEN", "geheim");
    const ROLE: [(&str, &str); 2] = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"), ("AWS_ROLE_ARN", "arn")];

    fn opened(places: &[&[(&str, &str)]]) -> Result<Arc<dyn ObjectStore>> {
        let options = StoreOptions::new(places.iter().map(|settings| place(settings)));
        store(&Url::parse(BUCKET).unwrap(), &options, RetryConfig::default())
    }

    fn chosen(places: &[&[(&str, &str)]]) -> Vec<Key> {
        let options = StoreOptions::new(places.iter().map(|settings| place(settings)));
        let mut keys: Vec<Key> = options.chosen(&OPENING).settings.into_keys().collect();
        keys.sort_by_key(|key| format!("{key:?}"));
        keys
    }

    #[test]
    fn without_credentials_nobody_is_asked_and_one_sentence_names_the_variables() {
        let error = opened(&[&[("AWS_REGION", "eu-central-1")]]).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert_eq!(
            error.report(),
            "nothing says who opens s3://bucket/lake/: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, with AWS_SESSION_TOKEN \
             where they came with one, or AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or on a machine of AWS's \
             AWS_USE_INSTANCE_PROFILE=true"
        );
        for (half, missing) in
            [(KEYS[0], "AWS_SECRET_ACCESS_KEY"), (KEYS[1], "AWS_ACCESS_KEY_ID"), (ROLE[0], "AWS_ROLE_ARN")]
        {
            let said = opened(&[&[half]]).unwrap_err().report();
            assert!(
                said.contains(&format!("s3://bucket/lake/ (missing: {missing}): set")) && !said.contains("geheim"),
                "{said}"
            );
        }
        for name in ["AWS_USE_INSTANCE_PROFILE", "AWS_SKIP_SIGNATURE"] {
            assert!(opened(&[&[(name, "true")]]).is_ok(), "{name}");
            assert!(opened(&[&[(name, "false")]]).is_err(), "{name}");
        }
    }

    #[test]
    fn one_set_of_credentials_counts_and_takes_no_part_of_another() {
        assert_eq!(chosen(&[&ROLE, &KEYS]), [Key::RoleArn, Key::WebIdentityTokenFile]);
        assert_eq!(chosen(&[&KEYS, &ROLE]), [Key::AccessKeyId, Key::RoleArn, Key::SecretAccessKey]);
        assert_eq!(chosen(&[&KEYS[..1], &KEYS[1..]]), [Key::AccessKeyId, Key::SecretAccessKey]);
        // A token of other keys would make these wrong.
        assert_eq!(chosen(&[&KEYS, &[SESSION]]), [Key::AccessKeyId, Key::SecretAccessKey]);
        assert_eq!(chosen(&[&[KEYS[0], KEYS[1], SESSION]]), [Key::AccessKeyId, Key::SecretAccessKey, Key::Token]);
        // Half of a key is none, and stays in nobody's way.
        assert_eq!(chosen(&[&[KEYS[0]], &ROLE]), [Key::RoleArn, Key::WebIdentityTokenFile]);
        assert_eq!(chosen(&[&[("AWS_USE_INSTANCE_PROFILE", "true")], &KEYS]), []);
    }

    #[test]
    fn what_no_request_can_carry_is_refused() {
        let said = opened(&[&[KEYS[0], KEYS[1], ("AWS_SESSION_TOKEN", "two words")]]).unwrap_err().report();
        assert_eq!(said, "AWS_SESSION_TOKEN holds no token: that is one word");
        let said = opened(&[&[("AWS_ACCESS_KEY_ID", "i\nd"), KEYS[1]]]).unwrap_err().report();
        assert_eq!(said, "AWS_ACCESS_KEY_ID holds no key: that is one word");
        let plain = [KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
        let said = opened(&[&plain]).unwrap_err().report();
        assert!(said.contains("one without TLS") && said.contains("AWS_ALLOW_HTTP=true"), "{said}");
    }

    #[test]
    fn a_store_shows_no_secret() {
        let sealed = ("AWS_SSE_CUSTOMER_KEY_BASE64", "Z2VoZWltZ2VoZWltZ2VoZWltZ2VoZWltMTIzNDU2Nzg=");
        let settings = [KEYS[0], KEYS[1], SESSION, sealed, ("AWS_SERVER_SIDE_ENCRYPTION", "sse-c")];
        let shown = format!("{:?}", opened(&[&settings]).unwrap());
        assert!(shown.contains("bucket") && !shown.contains("geheim") && !shown.contains("Z2VoZWlt"), "{shown}");
    }
}
