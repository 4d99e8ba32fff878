//! The `Authorization` field, with a shared secret and with a key set.

use kit::FakeDynamoDb;

use crate::api::Api;
use crate::tokens::{ISSUER, of_field, recorded, recorded_keys, token};

struct Subject {
    api: Api,
    /// All signed tokens and their subjects.
    signed: Vec<(String, String)>,
}

thread_local! {
    static SECRET: Subject =
        Subject { api: Api::with_secret(), signed: vec![(token("alice"), "alice".to_owned())] };

    static KEY_SET: Subject = {
        let keys = recorded_keys();
        let issuer = FakeDynamoDb::always(keys.as_bytes());
        let settings = [("BETTER_AUTH_URL", ISSUER), ("JWKS", keys.as_str())];
        Subject { api: Api::new(&settings, &issuer).expect("valid settings"), signed: recorded() }
    };
}

/// Input: `s` (shared secret) or anything else (key set), then the value of the field.
///
/// A value is accepted only if it is `Bearer` followed by exactly one of the signed tokens.
pub fn bearer(input: &[u8]) {
    let Some((mode, field)) = input.split_first() else { return };
    let field = String::from_utf8_lossy(field);
    // API Gateway rejects control characters.
    if field.chars().any(|character| character.is_ascii_control() && character != '\t') {
        return;
    }
    if *mode == b's' {
        SECRET.with(|subject| subject.check(&field));
    } else {
        KEY_SET.with(|subject| subject.check(&field));
    }
}

impl Subject {
    fn check(&self, field: &str) {
        let (answer, accepted) = self.api.authenticate(field);
        let token = of_field(field);
        let signed = self.signed.iter().find(|(signed, _)| token == Some(signed));
        assert_eq!(accepted.as_ref(), signed.map(|(_, user)| user));
        assert_eq!(answer.status, if signed.is_some() { 204 } else { 401 });
    }
}
