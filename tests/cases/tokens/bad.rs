//! Tokens that are rejected by every function, each with what is wrong with it: `tests/fixtures/bad-tokens.json`.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use kit::fixtures::table;
use serde_json::{Value, json};
use tests::{ALICE, BOB, Key, Signer, now};

const KEYS: [Key; 8] = [
    Key::OtherSecret,
    Key::PublicKeyAsSecret,
    Key::Ed25519,
    Key::P256,
    Key::Rs256,
    Key::Ps256,
    Key::OtherEd25519,
    Key::OtherRs256,
];

/// The tokens of a kind, which differ from those of `signer` in what is wrong with them.
pub(crate) fn bad_tokens(kind: &str, signer: impl Fn(Key) -> Signer) -> Vec<(String, String)> {
    let mut rows = table("bad-tokens")[kind].to_string();
    for (word, seconds) in [("LATER", 60), ("TOMORROW", 86_400), ("IN_EIGHT_DAYS", 8 * 86_400), ("IN_17_SECONDS", 17)] {
        let time = (now() + seconds).to_string();
        rows = rows.replace(&format!("\"{word}\""), &time).replace(word, &time);
    }
    for length in [129, 257, 8192] {
        rows = rows.replace(&format!("{{{length}}}"), &"x".repeat(length));
    }
    let [token, other] = [ALICE, BOB].map(|user| signer(Key::Secret).token(user));
    let [parts, others] = [&token, &other].map(|token| token.split('.').collect::<Vec<_>>());
    let signature = parts[2];
    let (start, last) = signature.split_at(signature.len() - 1);
    let padded = URL_SAFE.encode(URL_SAFE_NO_PAD.decode(signature).unwrap());
    // The last character of 32 bytes has two unused bits, so the next character decodes to the same bytes.
    let same_bytes = format!("{start}{}", char::from(last.as_bytes()[0] + 1));
    let flipped = format!("{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..]);
    for (placeholder, text) in [
        ("{head}", parts[0]),
        ("{body}", parts[1]),
        ("{other body}", others[1]),
        ("{signature}", signature),
        ("{cut signature}", &signature[..signature.len() - 4]),
        ("{padded signature}", &padded),
        ("{other signature}", &same_bytes),
        ("{flipped signature}", &flipped),
    ] {
        rows = rows.replace(placeholder, text);
    }
    let rows: Vec<(String, Value)> = serde_json::from_str(&rows).unwrap();
    rows.into_iter().map(|(why, how)| (why, token_of(&how, &signer))).collect()
}

fn token_of(how: &Value, signer: impl Fn(Key) -> Signer) -> String {
    let signer = signer(KEYS.into_iter().find(|key| how["key"] == format!("{key:?}")).unwrap_or(Key::Secret));
    let text = |name: &str| how[name].as_str().map(str::to_owned);
    let members = |name: &str| how.get(name).cloned().unwrap_or(json!({}));
    let encode = |text: &str| {
        let latin_1 = || text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect();
        URL_SAFE_NO_PAD.encode(if how["latin-1"] == true { latin_1() } else { text.as_bytes().to_vec() })
    };
    match (text("text"), how["segments"].as_array(), text("raw header"), text("payload")) {
        (Some(token), ..) => token,
        (_, Some(segments), ..) => signer.sign_segments(segments[0].as_str().unwrap(), segments[1].as_str().unwrap()),
        (.., None, None) => signer.header(members("header")).claims(members("claims")).token(ALICE),
        (.., header, payload) => {
            let header = header.unwrap_or(r#"{"alg":"HS256"}"#.to_owned());
            let payload = payload.unwrap_or_else(|| json!({ "sub": ALICE, "exp": now() + 60 }).to_string());
            signer.sign_segments(&encode(&header), &encode(&payload))
        }
    }
}
