//! Whose certificates are believed.

use std::sync::Arc;

use connectwise_sdk::{Client, Config, Error, ErrorKind, RetryPolicy};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};
use url::Url;

use crate::server::config;

const AUTHORITY: &[u8] = include_bytes!("certificates/authority.pem");

/// The address of a server that answers every request with `{}`, behind a certificate that nobody knows.
async fn server() -> String {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("certificates/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("certificates/server.key")).unwrap();
    // Named, since a build of the whole workspace has two providers and then there is no default one.
    let provider = Arc::new(ring::default_provider());
    let settings = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let settings = settings.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}/api", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            // Who doesn't believe the certificate hangs up.
            let Ok(mut connection) = acceptor.accept(connection).await else { continue };
            let mut request = vec![0; 8_192];
            if connection.read(&mut request).await.is_ok_and(|length| length > 0) {
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                connection.write_all(answer.as_bytes()).await.unwrap();
                connection.shutdown().await.ok();
            }
        }
    });
    address
}

async fn ask(change: impl FnOnce(Config) -> Config) -> Result<(), Error> {
    let settings = change(config(server().await).with_retry(RetryPolicy::never()));
    Client::new(settings).unwrap().get_raw("/x").await.map(|body| assert_eq!(body, "{}"))
}

#[tokio::test]
async fn an_unknown_certificate_is_not_believed() {
    let mut host = String::new();
    let error = ask(|config| {
        host = Url::parse(config.base_url()).unwrap().authority().to_owned();
        config
    })
    .await
    .unwrap_err();
    assert!(error.is_connect());
    assert_eq!(
        error.to_string(),
        format!("no connection to {host} for GET /x: check CW_BASE_URL, the network and the server's certificate")
    );
    assert!(format!("{error:?}").contains("certificate: UnknownIssuer"), "{error:?}");
}

#[tokio::test]
async fn an_authority_of_ones_own_is_believed_when_it_is_named() {
    ask(|config| config.with_root_certificates(AUTHORITY).unwrap()).await.unwrap();
    // A file may hold several.
    let several = [AUTHORITY, b"\n", AUTHORITY].concat();
    ask(|config| config.with_root_certificates(&several).unwrap()).await.unwrap();
}

#[tokio::test]
async fn any_certificate_is_believed_only_by_an_explicit_switch() {
    ask(|config| config.with_danger_accept_invalid_certificates(true)).await.unwrap();
    assert!(ask(|config| config.with_danger_accept_invalid_certificates(false)).await.unwrap_err().is_connect());
}

#[test]
fn a_file_without_certificates_is_refused() {
    for pem in [&b""[..], b"no certificate", b"\xff\xfe"] {
        let error = config("https://psa.example.org".to_owned()).with_root_certificates(pem).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().starts_with("the file of root certificates "), "{error}");
    }
}
