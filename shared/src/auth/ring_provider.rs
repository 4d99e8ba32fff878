//! ring as the cryptography of `jsonwebtoken`: only verification, and only the five algorithms that this API accepts.
//!
//! The crate's own back ends do not fit: `rust_crypto` panics on a short Ed25519 key and accepts RSA keys of 1024 bits,
//! `aws_lc_rs` adds two megabytes and most of a cold start. ring is what TLS uses already.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
use ring::error::Unspecified;
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes ring the provider of this process.
///
/// # Panics
/// If another provider is installed: signatures must not be verified with cryptography that nobody chose.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    #[expect(clippy::expect_used, reason = "to go on with an unknown provider is worse")]
    ONCE.call_once(|| PROVIDER.install_default().expect("no other provider is installed"));
}

/// Checks a message and its signature with a key that it holds.
type Verify = Box<dyn Fn(&[u8], &[u8]) -> std::result::Result<(), Unspecified> + Send + Sync>;

struct RingVerifier {
    algorithm: Algorithm,
    verify: Verify,
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let verify = match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.try_get_as_bytes()?);
            Box::new(move |message: &[u8], signature: &[u8]| hmac::verify(&key, message, signature))
        }
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => public_key(&ED25519, key)?,
        (Algorithm::ES256, AlgorithmFamily::Ec) => public_key(&ECDSA_P256_SHA256_FIXED, key)?,
        (Algorithm::RS256, AlgorithmFamily::Rsa) => rsa_key(&RSA_PKCS1_2048_8192_SHA256, key)?,
        (Algorithm::PS256, AlgorithmFamily::Rsa) => rsa_key(&RSA_PSS_2048_8192_SHA256, key)?,
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(Box::new(RingVerifier { algorithm: *algorithm, verify }))
}

fn public_key(algorithm: &'static dyn VerificationAlgorithm, key: &DecodingKey) -> Result<Verify> {
    let key = UnparsedPublicKey::new(algorithm, key.try_get_as_bytes()?.to_vec());
    Ok(Box::new(move |message, signature| key.verify(message, signature)))
}

fn rsa_key(parameters: &'static RsaParameters, key: &DecodingKey) -> Result<Verify> {
    let DecodingKeyKind::RsaModulusExponent { n, e } = key.kind() else {
        return Err(ErrorKind::InvalidKeyFormat.into());
    };
    let key = RsaPublicKeyComponents { n: n.clone(), e: e.clone() };
    Ok(Box::new(move |message, signature| key.verify(parameters, message, signature)))
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        (self.verify)(message, signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;
    use jsonwebtoken::EncodingKey;

    #[test]
    fn each_algorithm_has_keys_of_its_own_family() {
        let (secret, ed, ec) = (DecodingKey::from_secret(b"x"), [7; 32], [4; 65]);
        let (ed, ec) = (DecodingKey::from_ed_der(&ed), DecodingKey::from_ec_der(&ec));
        let rsa = DecodingKey::from_rsa_raw_components(&[0xff; 256], &[1, 0, 1]);
        for (supported, key) in [
            (&[Algorithm::HS256][..], secret),
            (&[Algorithm::EdDSA], ed),
            (&[Algorithm::ES256], ec),
            (&[Algorithm::RS256, Algorithm::PS256], rsa),
        ] {
            for algorithm in [
                Algorithm::HS256,
                Algorithm::HS384,
                Algorithm::HS512,
                Algorithm::ES256,
                Algorithm::ES384,
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
                Algorithm::EdDSA,
            ] {
                let made = verifier(&algorithm, &key).map(|verifier| verifier.algorithm());
                assert_eq!(made.ok(), supported.contains(&algorithm).then_some(algorithm), "{algorithm:?}");
            }
        }
    }

    #[test]
    fn rsa_keys_come_as_components() {
        assert!(verifier(&Algorithm::RS256, &DecodingKey::from_rsa_der(&[0x30])).is_err());
    }

    #[test]
    fn nothing_is_signed() {
        let error = (PROVIDER.signer_factory)(&Algorithm::HS256, &EncodingKey::from_secret(b"x")).err().unwrap();
        assert_eq!(error.kind(), &ErrorKind::UnsupportedAlgorithm);
    }
}
