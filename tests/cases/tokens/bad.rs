//! Tokens that are rejected by every function, each with what is wrong with it.

use super::*;

/// Malformed tokens.
pub(super) fn malformed() -> Vec<(&'static str, String)> {
    let token = good().token(ALICE);
    let parts: Vec<_> = token.split('.').collect();
    let [head, body, signature] = [parts[0], parts[1], parts[2]];
    let padded = |part: &str| URL_SAFE.encode(URL_SAFE_NO_PAD.decode(part).unwrap());
    let standard = STANDARD.encode([0xfb, 0xff, 0xbf]);
    vec![
        ("the word that front ends send without a session", "undefined".to_owned()),
        ("another such word", "null".to_owned()),
        ("an opaque session token of Better Auth", "92dQ23M4kR3t322Y3TKPmvt6P32i3cZy.Zm9v".to_owned()),
        ("one segment", head.to_owned()),
        ("two segments", format!("{head}.{body}")),
        ("four segments", format!("{token}.{signature}")),
        ("five segments, as in an encrypted token", format!("{head}.{body}.{signature}.{body}.{signature}")),
        ("an empty header", format!(".{body}.{signature}")),
        ("an empty payload", format!("{head}..{signature}")),
        ("an empty signature", format!("{head}.{body}.")),
        ("only dots", "..".to_owned()),
        ("a signature cut short", format!("{head}.{body}.{}", &signature[..signature.len() - 4])),
        ("a signature with more after it", format!("{token}AAAA")),
        ("padding in the signature", format!("{head}.{body}.{}", padded(signature))),
        ("padding in the header", good().sign_segments(&padded(r"eyJhbGciOiJIUzI1NiIgfQ"), body)),
        ("a signature in another alphabet", format!("{head}.{body}.{standard}")),
        ("nonzero trailing bits in the signature", {
            // The last character of 32 bytes has two unused bits, so the next character decodes to the same bytes.
            let next = char::from(signature.as_bytes()[signature.len() - 1] + 1);
            format!("{head}.{body}.{}{next}", &signature[..signature.len() - 1])
        }),
        ("a payload that is not base64url", good().sign_segments(head, "ä")),
        ("a header that is not base64url", good().sign_segments("!!!!", body)),
        ("longer than 8 KiB", claims(json!({ "image": "x".repeat(8192) }))),
    ]
}

/// Tokens with a valid signature and an invalid header.
pub(super) fn bad_headers() -> Vec<(&'static str, String)> {
    vec![
        ("no algorithm", header(json!({ "alg": null }))),
        ("the algorithm none", header(json!({ "alg": "none" }))),
        ("the algorithm None", header(json!({ "alg": "None" }))),
        ("an empty algorithm", header(json!({ "alg": "" }))),
        ("an algorithm in lower case", header(json!({ "alg": "hs256" }))),
        ("an algorithm that is a number", header(json!({ "alg": 256 }))),
        ("an algorithm of the same family", header(json!({ "alg": "HS512" }))),
        ("an algorithm of another family", header(json!({ "alg": "RS256" }))),
        ("an algorithm that is an object", header(json!({ "alg": { "HS256": null } }))),
        ("a fully specified algorithm (RFC 9864)", header(json!({ "alg": "Ed25519" }))),
        ("the type of a logout token", header(json!({ "typ": "logout+jwt" }))),
        ("a type with a parameter", header(json!({ "typ": "jwt;x=y" }))),
        ("a certificate that is a number", header(json!({ "x5c": [1] }))),
        ("another type", header(json!({ "typ": "at+jwt" }))),
        ("the type of Better Auth's cookie cache", header(json!({ "typ": "better-auth.session-cache+jwt" }))),
        ("an empty type", header(json!({ "typ": "" }))),
        ("a type that is an array", header(json!({ "typ": ["JWT"] }))),
        ("a null type", raw_header(r#"{"alg":"HS256","typ":null}"#)),
        ("a critical extension", header(json!({ "crit": ["exp"] }))),
        ("an empty list of critical extensions", header(json!({ "crit": [] }))),
        ("null for critical extensions", raw_header(r#"{"alg":"HS256","crit":null}"#)),
        ("an unencoded payload (RFC 7797)", header(json!({ "b64": false }))),
        ("an encryption", header(json!({ "enc": "A256GCM" }))),
        ("a compression", header(json!({ "zip": "DEF" }))),
        ("a nested token", header(json!({ "cty": "JWT" }))),
        ("a key id that is a number", header(json!({ "kid": 1 }))),
        ("a key id that is too long", header(json!({ "kid": "x".repeat(257) }))),
        ("a duplicate member", raw_header(r#"{"alg":"HS256","alg":"HS256"}"#)),
        ("a duplicate unknown member", raw_header(r#"{"alg":"HS256","x":1,"x":1}"#)),
        ("a duplicate member in two spellings", raw_header(r#"{"alg":"HS256","\u0061lg":"HS256"}"#)),
        ("an array", raw_header(r#"["HS256",null,null]"#)),
        ("a string", raw_header(r#""HS256""#)),
        ("Latin-1 in an unused member", {
            let header = URL_SAFE_NO_PAD.encode(b"{\"alg\":\"HS256\",\"x\":\"\xe4\"}");
            good()
                .sign_segments(&header, &URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{ALICE}","exp":{}}}"#, now() + 60)))
        }),
        ("not JSON", raw_header("alg=HS256")),
        ("JSON with more after it", raw_header(r#"{"alg":"HS256"}{}"#)),
        ("JSON with a trailing comma", raw_header(r#"{"alg":"HS256",}"#)),
    ]
}

/// Tokens with a valid signature and invalid claims.
pub(super) fn bad_claims() -> Vec<(&'static str, String)> {
    let (later, user) = (now() + 60, json!({ "id": "alice" }));
    vec![
        ("no subject", payload(&format!(r#"{{"exp":{later}}}"#))),
        ("an empty subject", good().token("")),
        ("the subject me", good().token("me")),
        ("a subject with a slash", good().token("alice/tasks")),
        ("a subject with a space", good().token("alice ")),
        ("a subject of dots", good().token("..")),
        ("a subject with a percent sign", good().token("%61lice")),
        ("a subject that is too long", good().token(&"a".repeat(129))),
        ("a subject that is not ASCII", good().token("alicé")),
        ("a subject that is a number", payload(&format!(r#"{{"sub":1,"exp":{later}}}"#))),
        ("a subject that is an array", payload(&format!(r#"{{"sub":["alice"],"exp":{later}}}"#))),
        ("a null subject", payload(&format!(r#"{{"sub":null,"exp":{later}}}"#))),
        ("only an id, as another claim", payload(&format!(r#"{{"id":"alice","userId":"alice","exp":{later}}}"#))),
        ("an e-mail link of Better Auth", payload(&format!(r#"{{"email":"a@example.com","exp":{later}}}"#))),
        ("a cookie cache of Better Auth", payload(&format!(r#"{{"session":{{}},"user":{user},"exp":{later}}}"#))),
        ("no expiry", claims(json!({ "exp": null }))),
        ("an expiry that is a string", claims(json!({ "exp": later.to_string() }))),
        ("a null expiry", payload(r#"{"sub":"alice","exp":null}"#)),
        ("an expiry beyond all floating-point numbers", payload(r#"{"sub":"alice","exp":1e999}"#)),
        ("an expiry beyond 64 bits", payload(r#"{"sub":"alice","exp":1e99}"#)),
        ("an expiry before 1970", claims(json!({ "exp": -1.5 }))),
        ("an expiry in the year 3000", claims(json!({ "exp": 32_503_680_000_u64 }))),
        ("an expiry in eight days", claims(json!({ "exp": now() + 8 * 86_400 }))),
        ("a start before 1970", claims(json!({ "nbf": -1 }))),
        ("not valid before tomorrow", claims(json!({ "nbf": now() + 86_400 }))),
        ("not valid for sixteen seconds", claims(json!({ "nbf": now() + 17 }))),
        ("a start that is a string", claims(json!({ "nbf": "0" }))),
        ("a null start", payload_of(r#""nbf":null"#)),
        ("issued tomorrow", claims(json!({ "iat": now() + 86_400 }))),
        ("a time of issue that is a string", claims(json!({ "iat": "0" }))),
        ("an issuer that is an array", claims(json!({ "iss": [ISSUER] }))),
        ("a null issuer", payload_of(r#""iss":null"#)),
        ("an audience that is a number", claims(json!({ "aud": 1 }))),
        ("an audience with a number in it", claims(json!({ "aud": [ISSUER, 1] }))),
        ("an audience that is an object", claims(json!({ "aud": {} }))),
        ("a duplicate claim", payload_of(r#""sub":"bob""#)),
        ("a duplicate expiry", payload_of(&format!(r#""exp":{later}"#))),
        ("a duplicate member within a claim", payload_of(r#""user":{"id":1,"id":2}"#)),
        ("an array", payload(&format!(r#"["alice",{later}]"#))),
        ("not JSON", payload("alice")),
        ("JSON in Latin-1", latin_1(&format!(r#"{{"sub":"ä","exp":{later}}}"#))),
        ("Latin-1 in an unused claim", latin_1(&format!(r#"{{"sub":"alice","exp":{later},"x":"ä"}}"#))),
        ("a byte order mark", payload(&format!("\u{feff}{{\"sub\":\"alice\",\"exp\":{later}}}"))),
    ]
}

/// Tokens without a signature of the issuer.
pub(super) fn forged() -> Vec<(&'static str, String)> {
    let token = good().token(ALICE);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = good().token("bob");
    let (other_signed, _) = other.rsplit_once('.').unwrap();
    let flipped =
        if signature.starts_with('A') { signature.replacen('A', "B", 1) } else { format!("A{}", &signature[1..]) };
    vec![
        ("another secret", Signer::with(Key::OtherSecret).token(ALICE)),
        ("a bit of the signature changed", format!("{signed}.{flipped}")),
        ("another token's signature", format!("{other_signed}.{signature}")),
        ("a signature of zeros", format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 32]))),
        ("a key in the header", header_by(Key::OtherSecret, json!({ "jwk": { "kty": "oct", "k": "eHh4" } }))),
        ("a key set URL in the header", header_by(Key::OtherEd25519, json!({ "jku": "https://evil.example/jwks" }))),
        ("an asymmetric key", Signer::with(Key::Ed25519).token(ALICE)),
    ]
}
