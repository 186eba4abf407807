//! Opening tables.

use bytes::Bytes;
use datafusion::prelude::SessionContext;
use deltalake::DeltaTableError;
use deltalake::logstore::LogStore as _;

use crate::error::{Result, lake_error};
use crate::lake::{Lake, Table};
use connectwise_storage::TableName;

impl Lake {
    /// A table at its newest version, or the place of one that isn't there yet. Nothing is created.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the store can't be read, the table has features that can't be read here, or its log was lost.
    pub async fn table(&self, name: &TableName) -> Result<Table> {
        let table = self.load(name).await?;
        if table.exists() {
            return Ok(table);
        }
        let Err(lost) = self.never_was(name).await else { return Ok(table) };
        // Another writer may have made it between the two looks.
        let table = self.load(name).await?;
        if table.exists() { Ok(table) } else { Err(lost) }
    }

    /// As [`Lake::table`], for tables whose log may be lost.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when its log can't be read.
    pub async fn load(&self, name: &TableName) -> Result<Table> {
        let mut table = self.unopened(name)?;
        // A local store refuses to list a folder that doesn't exist.
        if !self.may_exist(name)? {
            return Ok(table);
        }
        match table.delta.load().await {
            Ok(()) | Err(DeltaTableError::NotATable(_)) => Ok(table),
            Err(error) => Err(lake_error(name, "opened", error)),
        }
    }

    /// Makes a table readable in a session under `alias`, as it is now. False when there is no such table.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be read.
    pub async fn register(&self, session: &SessionContext, alias: &str, name: &TableName) -> Result<bool> {
        self.table(name).await?.register(session, alias).await
    }
}

impl Table {
    /// The table at its newest version.
    ///
    /// # Errors
    /// As [`Lake::table`].
    pub async fn refresh(&self) -> Result<Self> {
        self.lake.table(&self.name).await
    }

    /// The text of a commit, `None` where the log no longer has it.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the store can't be read.
    pub async fn entry(&self, version: u64) -> Result<Option<Bytes>> {
        let read = async || {
            let entry = self.delta.log_store().read_commit_entry(version).await;
            entry.map_err(|error| lake_error(&self.name, "read", error))
        };
        if self.version() == Some(version) {
            self.memo.newest.get_or_try_init(read).await.cloned()
        } else {
            read().await
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::PutMode;
    use object_store::path::Path;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::StoreOptions;
    use crate::error::Kind;

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "geheim")];
    /// A key that asks nobody for tokens, as the library knows them for stand-ins of the store.
    const KEY: (&str, &str) = (
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        r#"{"client_email": "etl", "private_key": "geheim", "private_key_id": "1", "disable_oauth": true}"#,
    );

    #[cfg(unix)]
    #[tokio::test]
    async fn a_place_that_cannot_be_looked_at_is_no_missing_table() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path().to_str().unwrap()).unwrap();
        let table = TableName::bronze("member");
        assert!(!lake.table(&table).await.unwrap().exists(), "nothing is there");
        assert!(!folder.path().join("bronze").exists(), "opening creates nothing");
        // A link to itself fails for every user, as a folder without permission does for all but root.
        std::os::unix::fs::symlink("bronze", folder.path().join("bronze")).unwrap();
        let error = lake.table(&table).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Io);
        let text = error.to_string();
        assert!(text.starts_with("bronze/bronze_cw_member can't be read: let this user read and enter /"), "{text}");
    }

    /// The address of a server that answers everything with a status and a code of an error.
    async fn answering(status: &'static str, code: &str) -> String {
        let body = format!("<Error><Code>{code}</Code><Message>Server geheim</Message></Error>");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                assert!(stream.read(&mut [0; 8192]).await.unwrap() > 0);
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        address
    }

    fn options(settings: &[(&str, &str)]) -> StoreOptions {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        StoreOptions::new([settings.collect()])
    }

    /// What is said of a table of a lakehouse that can't be opened.
    async fn unopened(location: &str, settings: &[(&str, &str)]) -> String {
        let lake = Lake::open_with(location, &options(settings)).unwrap();
        lake.table(&TableName::bronze("member")).await.unwrap_err().report()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_that_refuses_or_fails_is_one_sentence() {
        let table = [
            ("401 Unauthorized", "it doesn't take the credentials: they have ended, or are for another audience than"),
            (
                "403 Forbidden",
                "its owner gives these credentials no right to that: in OneLake it takes the role Contributor",
            ),
            ("429 Too Many Requests", "it is asked for more than it gives at a time: run again later"),
            ("500 Internal Server Error", "it fails: run again later"),
        ];
        for (status, said) in table {
            let address = answering(status, "SomeCode").await;
            let settings = [
                ("AZURE_STORAGE_ENDPOINT", address.as_str()),
                ("AZURE_ALLOW_HTTP", "true"),
                ("AZURE_STORAGE_TOKEN", "geheim"),
                ("max_retries", "1"),
            ];
            let report = unopened("abfss://ws@onelake.dfs.fabric.microsoft.com/item/Tables/", &settings).await;
            let start =
                format!("bronze/bronze_cw_member can't be opened: the store answers {status} (SomeCode): {said}");
            assert!(report.starts_with(&start) && !report.contains("geheim"), "{report}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_refusal_of_s3_is_one_sentence() {
        let table = [
            ("403 Forbidden", "InvalidAccessKeyId", "it doesn't take the credentials: they are wrong, or have ended"),
            ("400 Bad Request", "ExpiredToken", "it doesn't take the credentials: they are wrong, or have ended"),
            ("403 Forbidden", "AccessDenied", "its owner gives these credentials no right to that: they have to list,"),
            ("404 Not Found", "NoSuchBucket", "there is no bucket of this name"),
            ("400 Bad Request", "AuthorizationHeaderMalformed", "the bucket is in another region: set AWS_REGION"),
            ("503 Service Unavailable", "SlowDown", "it fails: run again later"),
            (
                "429 Too Many Requests",
                "TooManyRequests",
                "it is asked for more than it gives at a time: run again later",
            ),
        ];
        for (status, code, said) in table {
            let address = answering(status, code).await;
            let more = [("AWS_ENDPOINT_URL_S3", address.as_str()), ("AWS_ALLOW_HTTP", "true"), ("max_retries", "1")];
            let report = unopened("s3://bucket/lake/", &[&KEYS[..], &more].concat()).await;
            let start = format!("bronze/bronze_cw_member can't be opened: the store answers {status} ({code}): {said}");
            assert!(report.starts_with(&start) && !report.contains("geheim"), "{report}");
        }
        let address = answering("301 Moved Permanently", "PermanentRedirect").await;
        let more = [("AWS_ENDPOINT_URL", address.as_str()), ("AWS_ALLOW_HTTP", "true")];
        let report = unopened("s3://bucket/lake/", &[&KEYS[..], &more].concat()).await;
        assert!(report.ends_with("can't be opened: the bucket is in another region: set AWS_REGION"), "{report}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_setting_takes_the_condition_from_a_commit() {
        let address = answering("412 Precondition Failed", "PreconditionFailed").await;
        let more =
            [("AWS_ENDPOINT_URL", address.as_str()), ("AWS_ALLOW_HTTP", "true"), ("AWS_CONDITIONAL_PUT", "disabled")];
        let lake = Lake::open_with("s3://bucket/lake/", &options(&[&KEYS[..], &more].concat())).unwrap();
        let store = lake.objects(&TableName::bronze("member")).unwrap();
        let put = store.put_opts(&Path::from("a"), "x".into(), PutMode::Create.into()).await.unwrap_err();
        assert!(matches!(put, object_store::Error::AlreadyExists { .. }), "{put}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_refusal_of_google_is_one_sentence() {
        let table = [
            (
                "401 Unauthorized",
                "AuthenticationRequired",
                "it doesn't take the credentials: they are wrong, or have ended",
            ),
            ("403 Forbidden", "AccessDenied", "its owner gives these credentials no right to that: they have to list,"),
            ("404 Not Found", "NoSuchBucket", "there is no bucket of this name"),
            ("503 Service Unavailable", "ServiceUnavailable", "it fails: run again later"),
        ];
        for (status, code, said) in table {
            let address = answering(status, code).await;
            let report =
                unopened("gs://bucket/lake/", &[KEY, ("GOOGLE_BASE_URL", &address), ("max_retries", "1")]).await;
            let start = format!("bronze/bronze_cw_member can't be opened: the store answers {status} ({code}): {said}");
            assert!(report.starts_with(&start) && !report.contains("geheim"), "{report}");
        }
    }
}
