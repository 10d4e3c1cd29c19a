//! Whose certificates are trusted, and what an operator reads where one is not.
//!
//! The authorities are those of the system, which a company adds its own to; `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` name others in their place. A system that has none gets those that are compiled in.
//! They are read with the first TLS connection, and not when the program starts.
//!
//! Source: rustls-platform-verifier, and rustls-native-certs on Linux, which reads both variables.

mod issuer;

use std::{
    error::Error,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{self, CryptoProvider},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use rustls_platform_verifier::Verifier;
use tracing::warn;

use crate::model::visible::visible;

/// Why the certificate of a server was not accepted. No request was sent to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// The certificate was looked at and refused.
    #[error("the certificate of {host}, issued by `{issuer}`, is refused: {reason}")]
    Refused {
        /// Who was called.
        host: String,
        /// Who issued the certificate that came.
        issuer: String,
        /// Why it is refused.
        reason: Reason,
    },
    /// The environment names authorities, and none can be read there. To trust others instead would
    /// not be what was asked for.
    #[error("no CA certificate can be read from where {variables} points")]
    NoAuthorities {
        /// The variables that name them.
        variables: &'static str,
    },
}

/// Why a certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nobody whom this machine trusts vouches for it.
    #[error("this machine does not trust that issuer")]
    UnknownIssuer,
    /// It is for other hosts.
    #[error("it is not valid for that host")]
    OtherHost,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time has not come.
    #[error("it is not valid yet")]
    NotYetValid,
    /// Something else, in the words of the TLS library.
    #[error("{0}")]
    Other(String),
}

impl CertificateFault {
    /// What to do about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Refused {
                reason: Reason::Expired | Reason::NotYetValid,
                ..
            } => {
                "check this machine's clock; if it is right, whoever runs that host, or a proxy that inspects TLS on the way, must renew the certificate"
            }
            Self::Refused {
                reason: Reason::OtherHost,
                ..
            } => {
                "check the address in the settings; if it is right, something on the way answers in place of the service, most likely a proxy that inspects TLS or a wrong DNS entry"
            }
            Self::Refused { .. } => {
                "most likely a proxy on the way inspects TLS: add its CA certificate to this machine's store, or let SSL_CERT_FILE name a file with all CA certificates to trust, its own among them"
            }
            Self::NoAuthorities { .. } => {
                "SSL_CERT_FILE must name a readable file of CA certificates in PEM format, SSL_CERT_DIR folders of such files; correct them, or remove them to trust the system's store"
            }
        }
    }
}

impl From<CertificateError> for Reason {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::OtherHost
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::Other(error) => Self::Other(visible(&error.to_string())),
            other => Self::Other(visible(&other.to_string())),
        }
    }
}

/// The fault with a certificate that an error comes from, however deep it lies.
pub(crate) fn fault_in(error: &(dyn Error + 'static)) -> Option<CertificateFault> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(fault) = error.downcast_ref::<CertificateFault>() {
            return Some(fault.clone());
        }
        next = beneath(error);
    }
    None
}

/// What an error comes from. `source` of an [`io::Error`] skips the error that it wraps, and rustls's
/// errors have none.
fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return error.get_ref().map(|wrapped| wrapped as _);
    }
    match error.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) => Some(&*other.0),
        _ => error.source(),
    }
}

/// A fault as rustls carries it.
fn carried(fault: CertificateFault) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(fault))))
}

/// Verifies the certificates of servers.
#[derive(Debug)]
pub(super) struct Trust {
    provider: Arc<CryptoProvider>,
    /// Knows the authorities, once they are read.
    verifier: Mutex<Option<Arc<dyn ServerCertVerifier>>>,
}

impl Trust {
    /// Nothing is read before there is a certificate to verify.
    pub(super) fn new(provider: Arc<CryptoProvider>) -> Self {
        Self {
            provider,
            verifier: Mutex::default(),
        }
    }

    /// What knows the authorities. Those who need it meanwhile wait for the one who reads them. A
    /// failure is not kept: the next connection reads again.
    fn verifier(&self) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        let mut kept = self.verifier.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verifier) = &*kept {
            return Ok(Arc::clone(verifier));
        }
        let system = Verifier::new(Arc::clone(&self.provider));
        let verifier = choose(system, variables(), &self.provider)?;
        *kept = Some(Arc::clone(&verifier));
        Ok(verifier)
    }
}

/// The variables by which someone names authorities.
#[expect(
    clippy::disallowed_methods,
    reason = "they are no settings of this program: the library reads them from the environment"
)]
fn variables() -> Option<&'static str> {
    let is_set = |name: &str| std::env::var_os(name).is_some();
    match (is_set("SSL_CERT_FILE"), is_set("SSL_CERT_DIR")) {
        (true, true) => Some("SSL_CERT_FILE or SSL_CERT_DIR"),
        (true, false) => Some("SSL_CERT_FILE"),
        (false, true) => Some("SSL_CERT_DIR"),
        (false, false) => None,
    }
}

/// The system's verifier; where it has no authorities and nobody names any, those compiled in.
fn choose(
    system: Result<Verifier, rustls::Error>,
    variables: Option<&'static str>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let error = match system {
        Ok(verifier) => return Ok(Arc::new(verifier)),
        Err(error) => error,
    };
    if let Some(variables) = variables {
        return Err(carried(CertificateFault::NoAuthorities { variables }));
    }
    warn!(
        reason = error.to_string(),
        "The system's CA certificates cannot be read; those compiled into the program are trusted instead."
    );
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|error| rustls::Error::Other(OtherError(Arc::new(error))))?;
    Ok(verifier)
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.verifier()?.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        verified.map_err(|error| match error {
            rustls::Error::InvalidCertificate(error) => carried(CertificateFault::Refused {
                host: server_name.to_str().into_owned(),
                issuer: issuer::issuer(end_entity).unwrap_or_else(|| "no name".to_owned()),
                reason: error.into(),
            }),
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    /// Asked for at every hello, so it must not need the authorities.
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;

    use super::*;

    const SERVER: &[u8] = include_bytes!("../../../tests/support/authority/server.pem");
    const EXPIRED: &[u8] = include_bytes!("../../../tests/support/authority/expired.pem");

    fn provider() -> Arc<CryptoProvider> {
        Arc::new(crypto::ring::default_provider())
    }

    fn verify(verifier: &dyn ServerCertVerifier, certificate: &[u8]) -> rustls::Error {
        let certificate = CertificateDer::from_pem_slice(certificate).unwrap();
        let host = ServerName::try_from("mimecast.test").unwrap();
        let result = verifier.verify_server_cert(&certificate, &[], &host, &[], UnixTime::now());
        result.unwrap_err()
    }

    #[test]
    fn a_refused_certificate_is_told_by_its_host_its_issuer_and_the_reason() {
        let trust = Trust::new(provider());
        for (certificate, reason, advice) in [
            (SERVER, "this machine does not trust that issuer", "proxy"),
            (EXPIRED, "it has expired", "clock"),
        ] {
            // The way it comes up from a connection.
            let error = io::Error::other(io::Error::new(
                io::ErrorKind::InvalidData,
                verify(&trust, certificate),
            ));
            let fault = fault_in(&error).unwrap();
            assert_eq!(
                fault.to_string(),
                format!(
                    "the certificate of mimecast.test, issued by `Contoso TLS Inspection CA, Contoso Ltd`, is refused: {reason}"
                )
            );
            assert!(fault.advice().contains(advice), "{}", fault.advice());
        }
    }

    #[test]
    fn other_errors_are_no_certificate_faults() {
        let cut = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert_eq!(fault_in(&cut), None);
        let tls = io::Error::other(rustls::Error::HandshakeNotComplete);
        assert_eq!(fault_in(&tls), None);
    }

    #[test]
    fn a_system_without_authorities_gets_those_compiled_in_unless_others_are_named() {
        let none = || Err(rustls::Error::General("none".to_owned()));
        let compiled = choose(none(), None, &provider()).unwrap();
        assert_eq!(
            verify(&*compiled, SERVER),
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)
        );
        let error = choose(none(), Some("SSL_CERT_FILE"), &provider()).unwrap_err();
        let variables = "SSL_CERT_FILE";
        assert_eq!(
            fault_in(&error),
            Some(CertificateFault::NoAuthorities { variables })
        );
    }
}
