//! A request, as API Gateway, `cargo lambda watch` and `cargo lambda invoke` send it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::body::{self, FromBody, MAX_BYTES};
use super::event::{Event, Members};
use super::problem::Problem;
use super::query;
use crate::store::{IdempotencyKey, ListQuery, Precondition};
use crate::task::{TaskId, Version};

/// A request of one of the API's routes. Nothing in it is believed.
#[derive(Debug)]
pub struct Request {
    format: PayloadFormat,
    id: String,
    /// What precedes `/api` in the path: the stage, or the mapping of a custom domain.
    mount: String,
    user_segment: String,
    task_segment: Option<String>,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Body,
}

/// Which kind of answer API Gateway expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayloadFormat {
    /// 1.0, of REST APIs.
    V1,
    /// 2.0, of HTTP APIs.
    V2,
}

#[derive(Debug)]
enum Body {
    Bytes(Vec<u8>),
    TooLarge,
    NotBase64,
}

/// Everything but `pchar` (RFC 3986 §3.3), as far as user ids have it.
const IN_PATH_SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@');

impl Request {
    /// Reads an event. `invocation_id` names the request if the event does not.
    ///
    /// # Errors
    /// What `serde_json` found, if it is not an event of API Gateway.
    pub(crate) fn from_event(event: &str, invocation_id: &str) -> serde_json::Result<Self> {
        let event: Event = serde_json::from_str(event)?;
        let format = if event.version.as_deref() == Some("2.0") { PayloadFormat::V2 } else { PayloadFormat::V1 };
        // HTTP APIs decode path parameters, REST APIs do not, and neither does the emulator, whose only route is
        // `$default`: one that has no parameters in AWS.
        let decoded =
            format == PayloadFormat::V2 && event.route_key.as_deref().is_some_and(|route| route != "$default");
        let parameters = event.path_parameters.map_or_else(Vec::new, |parameters| parameters.0);
        let parameter = |name: &str| {
            let (_, value) = parameters.iter().find(|(candidate, _)| candidate == name)?;
            Some(if decoded { value.clone() } else { decode_once(value) })
        };
        let query = match event.raw_query_string {
            Some(query) => {
                form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into(), value.into())).collect()
            }
            None => flatten(event.multi_value_query_string_parameters, event.query_string_parameters),
        };
        let context = event.request_context.unwrap_or_default();
        Ok(Self {
            format,
            id: context.request_id.unwrap_or_else(|| invocation_id.to_owned()),
            mount: mount(&event.raw_path.or(context.path).unwrap_or_default()),
            user_segment: parameter("user_id").unwrap_or_default(),
            task_segment: parameter("task_id"),
            query,
            headers: flatten(event.multi_value_headers, event.headers),
            body: read_body(event.body.unwrap_or_default(), event.is_base64_encoded.unwrap_or_default()),
        })
    }

    /// The token of the one `Authorization` field (RFC 6750 §2.1), which nobody has verified yet.
    ///
    /// # Errors
    /// 401: `token_missing` if no Bearer token came, `token_invalid` if the field is malformed or not the only one.
    pub(crate) fn unverified_token(&self) -> Result<&str, Problem> {
        let mut fields = self.headers("authorization");
        let field = fields.next().ok_or_else(Problem::token_missing)?;
        let (scheme, token) = field.split_once(' ').unwrap_or((field, ""));
        let token = token.trim_start_matches(' ');
        if fields.next().is_some() {
            return Err(Problem::token_invalid("more than one Authorization field"));
        }
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(Problem::token_missing());
        }
        if !is_token68(token) {
            return Err(Problem::token_invalid("the Authorization field is malformed"));
        }
        Ok(token)
    }

    /// The user that the path names: a claim, to be compared with who is calling.
    pub(crate) fn user_segment(&self) -> &str {
        &self.user_segment
    }

    /// The task that the path names.
    ///
    /// # Errors
    /// 400 if there is a query, and 404 if it is no id: then there is no such task either.
    pub fn task_id(&self) -> Result<TaskId, Problem> {
        query::must_be_empty(&self.query)?;
        self.task_segment.as_deref().and_then(TaskId::parse).ok_or_else(Problem::task_not_found)
    }

    /// The body: `application/json`, and for changes `application/merge-patch+json`.
    ///
    /// # Errors
    /// 400 if there is a query, 415, 413, 400 if it is no JSON object, 422 with pointers to what is wrong or unknown.
    pub fn body<T: FromBody>(&self) -> Result<T, Problem> {
        query::must_be_empty(&self.query)?;
        let is_encoded = self.headers("content-encoding").any(|coding| !coding.eq_ignore_ascii_case("identity"));
        let content_type = self.header("content-type").unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if is_encoded || !T::MEDIA_TYPES.iter().any(|expected| media_type.eq_ignore_ascii_case(expected)) {
            return Err(Problem::unsupported_media_type(T::MEDIA_TYPES));
        }
        match &self.body {
            Body::Bytes(bytes) => body::parse(bytes, self.task_segment.as_deref()),
            Body::TooLarge => Err(Problem::body_too_large()),
            Body::NotBase64 => Err(Problem::not_json("The body is not base64, as the event says.")),
        }
    }

    /// The body, if there is one.
    ///
    /// # Errors
    /// As [`Self::body`].
    pub fn optional_body<T: FromBody>(&self) -> Result<Option<T>, Problem> {
        match &self.body {
            Body::Bytes(bytes) if bytes.is_empty() => Ok(None),
            _ => self.body().map(Some),
        }
    }

    /// The list that the query describes.
    ///
    /// # Errors
    /// 400 naming every parameter that is unknown, repeated or wrong.
    pub fn list_query(&self) -> Result<ListQuery, Problem> {
        query::parse(&self.query)
    }

    /// What `If-Match` demands (RFC 9110 §13.1.1). `*` demands what every write does: that the task is there.
    ///
    /// # Errors
    /// 400 if it is not a list of entity tags.
    pub fn if_match(&self) -> Result<Precondition, Problem> {
        match self.entity_tags("if-match")? {
            None | Some(EntityTags::Any) => Ok(Precondition::None),
            Some(EntityTags::Listed(tags)) => {
                // A weak tag never matches strongly.
                let versions = tags.into_iter().filter(|tag| !tag.weak).filter_map(|tag| tag.version);
                Ok(Precondition::Version(versions.collect()))
            }
        }
    }

    /// Whether `If-None-Match` says that the client has this version already (RFC 9110 §13.1.2).
    ///
    /// # Errors
    /// 400 if it is not a list of entity tags.
    pub fn has_current(&self, version: Version) -> Result<bool, Problem> {
        Ok(match self.entity_tags("if-none-match")? {
            None => false,
            Some(EntityTags::Any) => true,
            Some(EntityTags::Listed(tags)) => tags.iter().any(|tag| tag.version == Some(version)),
        })
    }

    /// The key that makes a create repeatable.
    ///
    /// # Errors
    /// 400 if it is malformed or not the only one.
    pub fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, Problem> {
        let mut fields = self.headers("idempotency-key");
        let Some(field) = fields.next() else { return Ok(None) };
        if fields.next().is_some() {
            return Err(Problem::bad_header("Idempotency-Key must be sent once."));
        }
        let key = IdempotencyKey::parse(field)
            .map_err(|_| Problem::bad_header("Idempotency-Key must be 1 to 255 visible ASCII characters."))?;
        Ok(Some(key))
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn format(&self) -> PayloadFormat {
        self.format
    }

    /// Where a new task of the list that was posted to is found: a path, because the host in front may be another one.
    pub(super) fn location(&self, id: TaskId) -> String {
        let user = utf8_percent_encode(&self.user_segment, IN_PATH_SEGMENT);
        format!("{}/api/{user}/tasks/{id}", self.mount)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    /// All fields of this name, which is in lower case.
    fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let same = move |(candidate, _): &&(String, String)| candidate.eq_ignore_ascii_case(name);
        self.headers.iter().filter(same).map(|(_, value)| value.trim_matches([' ', '\t']))
    }

    fn entity_tags(&self, name: &'static str) -> Result<Option<EntityTags>, Problem> {
        let fields: Vec<_> = self.headers(name).collect();
        if fields.is_empty() {
            return Ok(None);
        }
        let tags = EntityTags::parse(&fields.join(","));
        tags.map(Some)
            .ok_or_else(|| Problem::bad_header(format!("{name} must be * or a list of entity tags, such as \"3\".")))
    }
}

enum EntityTags {
    Any,
    Listed(Vec<EntityTag>),
}

struct EntityTag {
    weak: bool,
    /// `None` if it is none that this API ever gave.
    version: Option<Version>,
}

impl EntityTags {
    const MAX: usize = 50;

    /// RFC 9110 §8.8.3. Commas may stand inside of a tag, so they do not simply separate.
    fn parse(field: &str) -> Option<Self> {
        if field == "*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = field;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let (weak, opaque) = match rest.strip_prefix("W/") {
                Some(opaque) => (true, opaque),
                None => (false, rest),
            };
            let (tag, after) = opaque.strip_prefix('"')?.split_once('"')?;
            let next = after.trim_start_matches([' ', '\t']);
            if !(next.is_empty() || next.starts_with(',')) {
                return None;
            }
            let version = tag.parse().ok().filter(|version: &Version| version.to_string() == tag);
            tags.push(EntityTag { weak, version });
            rest = next;
        }
        (1..=Self::MAX).contains(&tags.len()).then_some(Self::Listed(tags))
    }
}

/// RFC 9110 §11.2.
fn is_token68(token: &str) -> bool {
    let characters = token.trim_end_matches('=');
    !characters.is_empty() && characters.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

/// What cannot be decoded stays as it is, and then names nobody and nothing.
fn decode_once(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8().map_or_else(|_| segment.to_owned(), Into::into)
}

/// Every value by itself if the event has them so, else one value a name.
fn flatten(many: Option<Members<Vec<String>>>, one: Option<Members<String>>) -> Vec<(String, String)> {
    match many {
        Some(Members(many)) if !many.is_empty() => many
            .into_iter()
            .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)))
            .collect(),
        _ => one.map_or_else(Vec::new, |one| one.0),
    }
}

/// What precedes `/api/{user_id}/tasks`, unless it could not stand in a URL.
fn mount(path: &str) -> String {
    let list = path.strip_suffix("/tasks").and_then(|list| list.rsplit_once('/'));
    let mount = list.and_then(|(api, _user)| api.strip_suffix("/api")).unwrap_or_default();
    let safe = mount.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~$".contains(&byte));
    // `//` at the beginning would name another host.
    let absolute = mount.starts_with('/') && !mount.ends_with('/') && !mount.contains("//");
    if safe && absolute { mount.to_owned() } else { String::new() }
}

fn read_body(text: String, is_base64: bool) -> Body {
    // Base64 is a third longer than what it stands for.
    if text.len() > MAX_BYTES * if is_base64 { 2 } else { 1 } {
        return Body::TooLarge;
    }
    let bytes = if is_base64 { STANDARD.decode(&text).ok() } else { Some(text.into_bytes()) };
    match bytes {
        Some(bytes) if bytes.len() > MAX_BYTES => Body::TooLarge,
        Some(bytes) => Body::Bytes(bytes),
        None => Body::NotBase64,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use http::StatusCode;
    use lambda_http::RequestExt;
    use serde_json::{Value, json};

    use super::*;

    const TASK: &str = "01990000-0000-7000-8000-000000000000";

    fn read(event: &str) -> Request {
        Request::from_event(event, "invocation-id").unwrap()
    }

    /// A REST event, the one kind whose header fields of one name stay apart.
    fn with_fields(name: &str, values: &[&str]) -> Request {
        read(&json!({ "multiValueHeaders": { name: values } }).to_string())
    }

    fn token(request: &Request) -> Result<&str, &'static str> {
        request.unverified_token().map_err(|problem| {
            assert_eq!(problem.status, StatusCode::UNAUTHORIZED);
            problem.code
        })
    }

    fn if_match(values: &[&str]) -> Result<Precondition, &'static str> {
        with_fields("If-Match", values).if_match().map_err(|problem| problem.code)
    }

    fn versions(versions: &[Version]) -> Result<Precondition, &'static str> {
        Ok(Precondition::Version(versions.to_vec()))
    }

    #[test]
    fn events_are_read_as_lambda_http_reads_them() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");
        let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() > 50);
        for file in files {
            let name = file.display();
            let event = fs::read_to_string(&file).unwrap();
            let ours = read(&event);
            let theirs = lambda_http::request::from_str(&event).unwrap();

            // They leave it to the function to decode what the gateway has not decoded.
            let route = serde_json::from_str::<Value>(&event).unwrap()["routeKey"].clone();
            let decoded_by_gateway = route.is_string() && route != "$default";
            let decode = |value: &str| if decoded_by_gateway { value.to_owned() } else { decode_once(value) };
            let parameters = theirs.path_parameters();
            assert_eq!(ours.user_segment, decode(parameters.first("user_id").unwrap()), "{name}");
            assert_eq!(ours.task_segment, parameters.first("task_id").map(decode), "{name}");

            for field in ["authorization", "content-type", "if-match", "if-none-match", "idempotency-key"] {
                let ours: Vec<_> = ours.headers(field).collect();
                let theirs: Vec<_> =
                    theirs.headers().get_all(field).iter().map(|value| value.to_str().unwrap()).collect();
                if ours.len() > 1 {
                    // Of a REST event's fields of one name they keep the last.
                    assert_eq!(theirs, ours.last().map(|&last| vec![last]).unwrap(), "{field} in {name}");
                } else {
                    assert_eq!(ours, theirs, "{field} in {name}");
                }
            }

            let mut ours_query: Vec<_> =
                ours.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let theirs_query = theirs.query_string_parameters();
            let mut theirs_query: Vec<_> = theirs_query.iter().collect();
            ours_query.sort_unstable();
            theirs_query.sort_unstable();
            assert_eq!(ours_query, theirs_query, "{name}");

            let Body::Bytes(body) = &ours.body else { panic!("{name}: {:?}", ours.body) };
            assert_eq!(body.as_slice(), theirs.body().as_ref(), "{name}");
        }
    }

    #[test]
    fn the_authorization_field_has_one_form() {
        let token68 = "AZaz09-._~+/==";
        for field in [
            format!("Bearer {token68}"),
            format!("bearer {token68}"),
            format!("BEARER {token68}"),
            format!("Bearer    {token68}"),
            format!("\t Bearer {token68} \t"),
        ] {
            assert_eq!(token(&with_fields("Authorization", &[&field])), Ok(token68), "{field:?}");
        }
        for field in
            ["", " ", "Bearer", "Bearer ", "Bearer\t", "Bearer\tabc", "Bearerabc", "abc", "Basic abc", "Bearer: abc"]
        {
            assert_eq!(token(&with_fields("Authorization", &[field])), Err("token_missing"), "{field:?}");
        }
        for field in [
            "Bearer \tabc",
            "Bearer abc,",
            "Bearer abc, Bearer abc",
            "Bearer a b",
            "Bearer a\tb",
            "Bearer =",
            "Bearer a=b",
            "Bearer \"abc\"",
            "Bearer ab\u{e4}",
            "Bearer abc\u{a0}",
            "Bearer abc\0",
            "Bearer a%62c",
            "Bearer <abc>",
        ] {
            assert_eq!(token(&with_fields("Authorization", &[field])), Err("token_invalid"), "{field:?}");
        }
        assert_eq!(token(&read("{}")), Err("token_missing"));
    }

    #[test]
    fn a_second_authorization_field_is_seen() {
        for event in [
            r#"{"multiValueHeaders":{"Authorization":["Bearer a","Bearer b"]}}"#,
            r#"{"multiValueHeaders":{"Authorization":["Bearer a","Bearer a"]}}"#,
            r#"{"multiValueHeaders":{"Authorization":["Bearer a",""]}}"#,
            r#"{"multiValueHeaders":{"Authorization":["Basic a","Bearer a"]}}"#,
            r#"{"multiValueHeaders":{"Authorization":["Bearer a"],"authorization":["Bearer b"]}}"#,
            r#"{"multiValueHeaders":{"Authorization":["Bearer a","Bearer b"]},"headers":{"Authorization":"Bearer b"}}"#,
            r#"{"version":"2.0","headers":{"Authorization":"Bearer a","authorization":"Bearer b"}}"#,
            r#"{"version":"2.0","headers":{"authorization":"Bearer a","authorization":"Bearer b"}}"#,
            r#"{"version":"2.0","headers":{"authorization":"Bearer a","\u0061uthorization":"Bearer b"}}"#,
            r#"{"version":"2.0","headers":{"authorization":"Bearer a,Bearer b"}}"#,
        ] {
            assert_eq!(token(&read(event)), Err("token_invalid"), "{event}");
        }
    }

    #[test]
    fn a_second_idempotency_key_is_seen() {
        assert!(with_fields("Idempotency-Key", &["a"]).idempotency_key().unwrap().is_some());
        for values in [["a", "b"].as_slice(), &["a", "a"], &[""], &["a b"], &["\u{e4}"], &[&"a".repeat(256)]] {
            let problem = with_fields("idempotency-KEY", values).idempotency_key().unwrap_err();
            assert_eq!((problem.status, problem.code), (StatusCode::BAD_REQUEST, "invalid_header"), "{values:?}");
        }
    }

    #[test]
    fn if_match_names_versions() {
        assert_eq!(read("{}").if_match().unwrap(), Precondition::None);
        assert_eq!(if_match(&["*"]), Ok(Precondition::None));
        assert_eq!(if_match(&["\"3\""]), versions(&[3]));
        assert_eq!(if_match(&["\"1\" ,\t\"2\""]), versions(&[1, 2]));
        assert_eq!(if_match(&["\"1\"", "\"2\""]), versions(&[1, 2]));
        assert_eq!(if_match(&[", ,\"1\",,\"2\","]), versions(&[1, 2]));
        assert_eq!(if_match(&["\"18446744073709551615\""]), versions(&[Version::MAX]));
    }

    #[test]
    fn tags_that_were_never_given_match_nothing() {
        for value in [
            "W/\"3\"",
            "\"\"",
            "\"3 \"",
            "\"03\"",
            "\"+3\"",
            "\"-3\"",
            "\"3.0\"",
            "\"abc\"",
            "\"18446744073709551616\"",
            "\"1,2\"",
            "\"*\"",
            "\"W/3\"",
            "\"\u{663}\"",
        ] {
            assert_eq!(if_match(&[value]), versions(&[]), "{value}");
        }
        assert_eq!(if_match(&["\"a,\\\", \"2\", W/\"3\""]), versions(&[2]));
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for values in [
            [""].as_slice(),
            &[","],
            &["3"],
            &["\"3"],
            &["3\""],
            &["'3'"],
            &["w/\"3\""],
            &["W/ \"3\""],
            &["W/3"],
            &["\"1\"\"2\""],
            &["\"1\" \"2\""],
            &["\"1\";\"2\""],
            &["\"1\", 2"],
            &["*, \"1\""],
            &["\"1\", *"],
            &["**"],
            &["*", "*"],
        ] {
            assert_eq!(if_match(values), Err("invalid_header"), "{values:?}");
        }
    }

    #[test]
    fn a_list_has_at_most_fifty_tags() {
        assert_eq!(if_match(&[&["\"1\""; 50].join(",")]), versions(&[1; 50]));
        assert_eq!(if_match(&[&["\"1\""; 51].join(",")]), Err("invalid_header"));
        assert_eq!(if_match(&["\"1\""; 51]), Err("invalid_header"));
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let has_current =
            |values: &[&str]| with_fields("If-None-Match", values).has_current(3).map_err(|problem| problem.code);
        assert!(!read("{}").has_current(3).unwrap());
        for values in [["\"3\""].as_slice(), &["W/\"3\""], &["*"], &["\"1\", W/\"3\""], &["\"1\"", "\"3\""]] {
            assert_eq!(has_current(values), Ok(true), "{values:?}");
        }
        for values in [["\"2\""].as_slice(), &["W/\"33\""], &["\"03\""], &["\"1,3\""]] {
            assert_eq!(has_current(values), Ok(false), "{values:?}");
        }
        assert_eq!(has_current(&["3"]), Err("invalid_header"));
    }

    #[test]
    fn path_parameters_are_decoded_once() {
        for (sent, decoded) in [
            ("alice", "alice"),
            ("%61lice", "alice"),
            ("%6D%65", "me"),
            ("%2565", "%65"),
            ("%2e%2E", ".."),
            ("a%2Fb", "a/b"),
            ("a+b", "a+b"),
            ("m%C3%BCller", "m\u{fc}ller"),
            ("%00", "\0"),
            ("%", "%"),
            ("%6", "%6"),
            ("%zz", "%zz"),
            ("%ff", "%ff"),
            ("%61%ff", "%61%ff"),
        ] {
            let parameters = json!({ "user_id": sent, "task_id": sent });
            // The gateway has decoded these already, the second and third time nobody has.
            for (event, expected) in [
                (
                    json!({ "version": "2.0", "routeKey": "GET /api/{user_id}/tasks", "pathParameters": parameters }),
                    sent,
                ),
                (json!({ "version": "2.0", "routeKey": "$default", "pathParameters": parameters }), decoded),
                (json!({ "resource": "/api/{user_id}/tasks", "pathParameters": parameters }), decoded),
            ] {
                let request = read(&event.to_string());
                assert_eq!(request.user_segment(), expected, "{event}");
                assert_eq!(request.task_segment.as_deref(), Some(expected), "{event}");
            }
        }
    }

    #[test]
    fn a_task_has_one_spelling() {
        let request = |task: &str| read(&json!({ "pathParameters": { "task_id": task } }).to_string());
        assert_eq!(request(TASK).task_id().unwrap().to_string(), TASK);
        for task in [
            "",
            "1",
            &TASK.to_uppercase().replace('0', "A"),
            &TASK.replace('-', ""),
            &format!("{{{TASK}}}"),
            &format!("{TASK} "),
        ] {
            assert_eq!(request(task).task_id().unwrap_err().status, StatusCode::NOT_FOUND, "{task}");
        }
        assert_eq!(read("{}").task_id().unwrap_err().status, StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_new_task_is_located_where_the_api_is_mounted() {
        let parameters = json!({ "user_id": "me" });
        let v2 = |path: &str| json!({ "version": "2.0", "rawPath": path, "pathParameters": parameters });
        let v1 = |path: &str| json!({ "requestContext": { "path": path }, "pathParameters": parameters });
        let id = TaskId::parse(TASK).unwrap();
        for event in [&v2 as &dyn Fn(&str) -> Value, &v1] {
            for (path, mount) in [
                ("/api/me/tasks", ""),
                ("/prod/api/me/tasks", "/prod"),
                ("/$default/api/me/tasks", "/$default"),
                ("/a/b-c._~/api/me/tasks", "/a/b-c._~"),
                ("//evil.example/api/me/tasks", ""),
                ("/\\evil.example/api/me/tasks", ""),
                ("/a\r\nx: y/api/me/tasks", ""),
                ("https://evil.example/api/me/tasks", ""),
                ("/m\u{fc}ll/api/me/tasks", ""),
                ("/somewhere/else", ""),
                ("elsewhere/api/me/tasks", ""),
                ("//api/me/tasks", ""),
                ("/prod//api/me/tasks", ""),
            ] {
                let request = read(&event(path).to_string());
                assert_eq!(request.location(id), format!("{mount}/api/me/tasks/{TASK}"), "{path}");
            }
        }
    }

    #[test]
    fn an_event_names_the_request_and_else_the_invocation_does() {
        assert_eq!(read(r#"{"requestContext":{"requestId":"abc="}}"#).id(), "abc=");
        assert_eq!(read("{}").id(), "invocation-id");
        assert_eq!(read(r#"{"version":"2.0"}"#).format(), PayloadFormat::V2);
        for event in ["{}", r#"{"version":null}"#, r#"{"version":"1.0"}"#] {
            assert_eq!(read(event).format(), PayloadFormat::V1, "{event}");
        }
    }

    #[test]
    fn a_list_of_all_values_that_is_empty_hides_nothing() {
        let request = read(r#"{"multiValueHeaders":{},"headers":{"Authorization":"Bearer a"}}"#);
        assert_eq!(token(&request), Ok("a"));
    }

    #[test]
    fn what_is_null_is_as_good_as_absent() {
        let event = json!({
            "version": "2.0", "routeKey": null, "rawPath": null, "rawQueryString": null, "body": null,
            "headers": { "authorization": null }, "multiValueHeaders": null,
            "queryStringParameters": null, "multiValueQueryStringParameters": null,
            "pathParameters": { "user_id": null }, "requestContext": { "requestId": null, "path": null },
        });
        let request = read(&event.to_string());
        assert_eq!(token(&request), Err("token_missing"));
        assert_eq!((request.user_segment(), request.id()), ("", "invocation-id"));
        assert!(matches!(&request.body, Body::Bytes(body) if body.is_empty()));
    }

    #[test]
    fn a_query_is_read_where_it_is() {
        let query = json!({ "status": "open" });
        for (many, expected) in [
            (json!({ "status": ["all"] }), vec![("status".to_owned(), "all".to_owned())]),
            (json!({}), vec![("status".to_owned(), "open".to_owned())]),
            (json!(null), vec![("status".to_owned(), "open".to_owned())]),
        ] {
            let event = json!({ "queryStringParameters": query, "multiValueQueryStringParameters": many });
            assert_eq!(read(&event.to_string()).query, expected, "{event}");
        }
    }

    #[test]
    fn a_body_is_bounded_as_it_is_sent_and_as_it_is_decoded() {
        let body =
            |text: &str, is_base64: bool| read(&json!({ "body": text, "isBase64Encoded": is_base64 }).to_string()).body;
        assert!(matches!(body(&"x".repeat(MAX_BYTES), false), Body::Bytes(_)));
        assert!(matches!(body(&"x".repeat(MAX_BYTES + 1), false), Body::TooLarge));
        assert!(matches!(body(&STANDARD.encode(vec![b'x'; MAX_BYTES]), true), Body::Bytes(_)));
        assert!(matches!(body(&STANDARD.encode(vec![b'x'; MAX_BYTES + 1]), true), Body::TooLarge));
        assert!(matches!(body(&"?".repeat(3 * MAX_BYTES), true), Body::TooLarge));
        for text in ["?", "e30", "e30=\n", "e3 0="] {
            assert!(matches!(body(text, true), Body::NotBase64), "{text}");
        }
    }
}
