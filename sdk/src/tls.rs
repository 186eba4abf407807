//! TLS of a client: who computes it, and whose certificates are believed.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme, WantsVerifier};
use rustls_platform_verifier::Verifier;

use crate::reason::Reason;
use crate::{Config, Error, Result};

/// The protocols that a server may choose from, the one it should take first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// What connections of a client are made with. Nothing is set for the whole process: other clients in it have their own settings.
pub(crate) fn settings(config: &Config) -> Result<ClientConfig> {
    let provider = provider()?;
    let verifier: Arc<dyn ServerCertVerifier> = if config.accepts_invalid_certificates {
        tracing::warn!(host = config.base_url.host_str(), "any certificate of the server is believed");
        Arc::new(AnyCertificate(provider.clone()))
    } else {
        let own = config.certificates.iter().cloned();
        Arc::new(Verifier::new_with_extra_roots(own, provider.clone()).map_err(unusable)?)
    };
    let builder = builder(provider)?.dangerous().with_custom_certificate_verifier(verifier);
    let mut settings = builder.with_no_client_auth();
    settings.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(settings)
}

/// Settings that believe no server.
pub(crate) fn settings_for_nobody() -> Result<ClientConfig> {
    Ok(builder(provider()?)?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn builder(provider: Arc<CryptoProvider>) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(unusable)
}

fn unusable(error: rustls::Error) -> Error {
    Error::new(Reason::Transport).with_source(error)
}

/// Who computes it: whom the process has named, else whom the features of this crate name.
fn provider() -> Result<Arc<CryptoProvider>> {
    CryptoProvider::get_default().cloned().or_else(built_in).ok_or_else(|| Error::new(Reason::NoCrypto))
}

/// Other crates may have switched on both, so that it is said here which one counts.
fn built_in() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc")]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc")))]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "aws-lc", feature = "ring")))]
    return None;
}

/// Believes any certificate.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
