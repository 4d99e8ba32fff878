//! Trusted root certificates: for DynamoDB, Amazon's five instead of the system's.
//!
//! - **Figure:** the system's hundred and forty roots take 1.3 times the CPU time of a cold start: 8.5 million
//!   instructions, nine tenths of the work before the first request.
//! - **Reason:** every endpoint of AWS chains to these five, in the commercial regions. They expire from 2037 on.
//! - **To remove it:** delete [`TrustedRoots::amazon`] and its file, and use [`TrustedRoots::System`].

use std::fs;

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::environment::InvalidSetting;

/// <https://www.amazontrust.com/repository/>
const AMAZON_TRUST_SERVICES: &[u8] = include_bytes!("amazon-trust-services.pem");

/// Whose certificates are trusted.
#[derive(Debug, Clone)]
pub enum TrustedRoots {
    /// Those of the operating system.
    System,
    /// Only those of this context.
    Only(TlsContext),
}

impl TrustedRoots {
    /// Those of Amazon Trust Services.
    ///
    /// # Errors
    /// If no TLS context can be made of them: then `AWS_CA_BUNDLE` must name others.
    pub fn amazon() -> Result<Self, InvalidSetting> {
        Self::only(AMAZON_TRUST_SERVICES)
            .ok_or(InvalidSetting::new("AWS_CA_BUNDLE", "must be set: no roots are built in"))
    }

    /// Those of this file, in PEM, which `AWS_CA_BUNDLE` names. Every certificate is parsed here, because the SDK's client
    /// parses them when it connects, and panics at one that it cannot use.
    ///
    /// # Errors
    /// If there is no certificate, or one that TLS cannot use.
    pub(super) fn bundle(path: &str) -> Result<Self, InvalidSetting> {
        let pem = fs::read(path).ok().filter(|pem| are_usable(pem));
        let roots = pem.and_then(|pem| Self::only(&pem));
        roots.ok_or(InvalidSetting::new(
            "AWS_CA_BUNDLE",
            "must name a file of certificates in PEM, each whole and usable",
        ))
    }

    fn only(pem: &[u8]) -> Option<Self> {
        let trust_store = TrustStore::empty().with_pem_certificate(pem);
        TlsContext::builder().with_trust_store(trust_store).build().ok().map(Self::Only)
    }
}

/// Whether this is PEM of at least one certificate, each of which can be a root.
fn are_usable(pem: &[u8]) -> bool {
    let mut roots = RootCertStore::empty();
    CertificateDer::pem_slice_iter(pem).all(|certificate| certificate.is_ok_and(|der| roots.add(der).is_ok()))
        && !roots.is_empty()
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use std::env::temp_dir;

    use super::*;

    const REFUSAL: &str = "AWS_CA_BUNDLE must name a file of certificates in PEM, each whole and usable";

    #[test]
    fn built_in_roots_are_usable() {
        assert!(are_usable(AMAZON_TRUST_SERVICES));
        assert!(TrustedRoots::amazon().is_ok());
    }

    #[test]
    fn bundle_is_parsed_before_it_is_used() {
        let good = String::from_utf8(AMAZON_TRUST_SERVICES.to_vec()).unwrap();
        let certificate = |base64: &str| format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
        let path = temp_dir().join(format!("bundle-{}.pem", std::process::id()));
        let read = |content: &str| {
            fs::write(&path, content).unwrap();
            TrustedRoots::bundle(path.to_str().unwrap())
        };
        assert!(matches!(read(&good), Ok(TrustedRoots::Only(_))));
        for bad in [
            "",
            "no PEM",
            &good[..good.len() / 2],
            &good[..good.len() - 3],
            &good.replacen("MII", "", 1),
            &format!("{good}{}", certificate("aGVsbG8=")),
            &format!("{good}{}", certificate("no base64!")),
            &certificate(""),
            &good.replace(" CERTIFICATE", " PUBLIC KEY"),
        ] {
            assert_eq!(read(bad).unwrap_err().to_string(), REFUSAL, "{bad}");
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(TrustedRoots::bundle("/nowhere").unwrap_err().to_string(), REFUSAL);
    }
}
