//! Trusted root certificates: for DynamoDB, Amazon's five instead of the system's.
//!
//! - **Figure:** the system's hundred and forty roots take 1.3 times the CPU time of a cold start: 8.5 million
//!   instructions, nine tenths of the work before the first request.
//! - **Reason:** every endpoint of AWS chains to these five, in the commercial regions. They expire from 2037 on.
//! - **To remove it:** delete [`TrustedRoots::amazon`] and its file, and use [`TrustedRoots::System`].

use std::fs;
use std::sync::Arc;

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
    /// Only these.
    Only(Arc<RootCertStore>),
}

impl TrustedRoots {
    /// Those of Amazon Trust Services.
    ///
    /// # Errors
    /// If TLS cannot use them: then `AWS_CA_BUNDLE` must name others.
    pub fn amazon() -> Result<Self, InvalidSetting> {
        Self::only(AMAZON_TRUST_SERVICES)
            .ok_or(InvalidSetting::new("AWS_CA_BUNDLE", "must be set: no roots are built in"))
    }

    /// Those of this file, in PEM, which `AWS_CA_BUNDLE` names.
    ///
    /// # Errors
    /// If there is no certificate, or one that TLS cannot use.
    pub(super) fn bundle(path: &str) -> Result<Self, InvalidSetting> {
        let roots = fs::read(path).ok().and_then(|pem| Self::only(&pem));
        roots.ok_or(InvalidSetting::new(
            "AWS_CA_BUNDLE",
            "must name a file of certificates in PEM, each whole and usable",
        ))
    }

    /// PEM of at least one certificate, each of which can be a root.
    fn only(pem: &[u8]) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.ok()?).ok()?;
        }
        (!roots.is_empty()).then(|| Self::Only(Arc::new(roots)))
    }

    /// The certificates, for TLS.
    pub(super) fn store(&self) -> Arc<RootCertStore> {
        match self {
            Self::Only(roots) => Arc::clone(roots),
            Self::System => {
                let mut roots = RootCertStore::empty();
                let found = rustls_native_certs::load_native_certs();
                let (usable, _) = roots.add_parsable_certificates(found.certs);
                if usable == 0 {
                    tracing::warn!(errors = ?found.errors, "this system has no root certificates");
                }
                Arc::new(roots)
            }
        }
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use std::env::temp_dir;

    use super::*;

    const REFUSAL: &str = "AWS_CA_BUNDLE must name a file of certificates in PEM, each whole and usable";

    #[test]
    fn built_in_roots_are_usable() {
        assert_eq!(TrustedRoots::amazon().unwrap().store().len(), 5);
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
