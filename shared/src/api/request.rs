//! A request, as API Gateway, `cargo lambda watch` and `cargo lambda invoke` send it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

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
        Ok(Self {
            format,
            id: event.request_context.request_id.unwrap_or_else(|| invocation_id.to_owned()),
            mount: mount(event.raw_path.or(event.request_context.path)),
            user_segment: parameter("user_id").unwrap_or_default(),
            task_segment: parameter("task_id"),
            query,
            headers: flatten(event.multi_value_headers, event.headers),
            body: read_body(event.body.unwrap_or_default(), event.is_base64_encoded),
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
    /// 404 if it is no id: then there is no such task either.
    pub fn task_id(&self) -> Result<TaskId, Problem> {
        self.task_segment.as_deref().and_then(TaskId::parse).ok_or_else(Problem::task_not_found)
    }

    /// The body: `application/json`, and for changes `application/merge-patch+json`.
    ///
    /// # Errors
    /// 415, 413, 400 if it is no JSON object, 422 with a pointer to every field that is wrong or unknown.
    pub fn body<T: FromBody>(&self) -> Result<T, Problem> {
        let content_type = self.header("content-type").unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !T::MEDIA_TYPES.iter().any(|expected| media_type.eq_ignore_ascii_case(expected)) {
            return Err(Problem::unsupported_media_type(T::MEDIA_TYPES));
        }
        match &self.body {
            Body::Bytes(bytes) => body::parse(bytes),
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
        format!("{}/api/{}/tasks/{id}", self.mount, self.user_segment)
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

fn mount(path: Option<String>) -> String {
    let path = path.unwrap_or_default();
    let mount = path.split_once("/api/").map_or("", |(mount, _)| mount);
    let safe = mount.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~$".contains(&byte));
    if safe && !mount.starts_with("//") { mount.to_owned() } else { String::new() }
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
