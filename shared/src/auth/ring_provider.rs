//! ring as the cryptography of `jsonwebtoken`: verification only, of the five algorithms that this API accepts.
//!
//! The crate's own back ends do not fit: `rust_crypto` panics on a short Ed25519 key and accepts RSA keys of 1024 bits,
//! `aws_lc_rs` adds two megabytes and most of a cold start. ring is what TLS uses already.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
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

enum RingVerifier {
    Hs256(hmac::Key),
    EdDsa(UnparsedPublicKey<Vec<u8>>),
    Es256(UnparsedPublicKey<Vec<u8>>),
    Rs256(RsaPublicKeyComponents<Vec<u8>>),
    Ps256(RsaPublicKeyComponents<Vec<u8>>),
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let verifier = match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => {
            RingVerifier::Hs256(hmac::Key::new(hmac::HMAC_SHA256, key.try_get_as_bytes()?))
        }
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => RingVerifier::EdDsa(public_key(&ED25519, key)?),
        (Algorithm::ES256, AlgorithmFamily::Ec) => RingVerifier::Es256(public_key(&ECDSA_P256_SHA256_FIXED, key)?),
        (Algorithm::RS256, AlgorithmFamily::Rsa) => RingVerifier::Rs256(rsa_key(key)?),
        (Algorithm::PS256, AlgorithmFamily::Rsa) => RingVerifier::Ps256(rsa_key(key)?),
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(Box::new(verifier))
}

fn public_key(algorithm: &'static dyn VerificationAlgorithm, key: &DecodingKey) -> Result<UnparsedPublicKey<Vec<u8>>> {
    Ok(UnparsedPublicKey::new(algorithm, key.try_get_as_bytes()?.to_vec()))
}

fn rsa_key(key: &DecodingKey) -> Result<RsaPublicKeyComponents<Vec<u8>>> {
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => Ok(RsaPublicKeyComponents { n: n.clone(), e: e.clone() }),
        DecodingKeyKind::SecretOrDer(_) => Err(ErrorKind::InvalidKeyFormat.into()),
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let rsa = |key: &RsaPublicKeyComponents<Vec<u8>>, parameters: &RsaParameters| {
            key.verify(parameters, message, signature)
        };
        match self {
            Self::Hs256(key) => hmac::verify(key, message, signature),
            Self::EdDsa(key) | Self::Es256(key) => key.verify(message, signature),
            Self::Rs256(key) => rsa(key, &RSA_PKCS1_2048_8192_SHA256),
            Self::Ps256(key) => rsa(key, &RSA_PSS_2048_8192_SHA256),
        }
        .map_err(|_| Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Hs256(_) => Algorithm::HS256,
            Self::EdDsa(_) => Algorithm::EdDSA,
            Self::Es256(_) => Algorithm::ES256,
            Self::Rs256(_) => Algorithm::RS256,
            Self::Ps256(_) => Algorithm::PS256,
        }
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
