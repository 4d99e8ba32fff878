//! A request, as a handler asks about it: a typed view of what `lambda_http` read.

use std::borrow::Cow;
use std::time::SystemTime;

use lambda_http::RequestExt;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::body::{self, FromBody};
use super::problem::Problem;
use super::query;
use crate::signals::{AuditEvent, TraceContext, note};
use crate::store::{ChangesQuery, ExportQuery, Guard, IdempotencyKey, ListQuery, Precondition, TagsQuery};
use crate::task::{TaskId, Version};

/// A request to one of the API's routes. Nothing in it is trusted.
#[derive(Debug)]
pub struct Request(lambda_http::Request);

/// Which task a PUT is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutTarget {
    /// One that is there.
    Existing(TaskId),
    /// One that is to be created.
    New(TaskId),
}

/// Everything but `pchar` (RFC 3986 §3.3), as far as user ids have it.
const IN_PATH_SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@');

impl From<lambda_http::Request> for Request {
    fn from(request: lambda_http::Request) -> Self {
        Self(request)
    }
}

impl Request {
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
    pub(crate) fn user_segment(&self) -> Cow<'_, str> {
        self.path_parameter("user_id").unwrap_or_default()
    }

    /// The task that the path names.
    ///
    /// # Errors
    /// 404 if it is not an id: then there is no such task either.
    pub fn task_id(&self) -> Result<TaskId, Problem> {
        let segment = self.path_parameter("task_id").unwrap_or_default();
        TaskId::parse(&segment).ok_or_else(Problem::task_not_found)
    }

    /// The task that a PUT is about: with `If-None-Match: *` one that is to be created (RFC 9110 §13.1.2).
    ///
    /// # Errors
    /// As [`Self::task_id`] for a task that is there, 422 if the id of a new one is not a fresh UUID of version 7, and
    /// 400 if `If-None-Match` says anything else or contradicts `If-Match`.
    pub fn put_target(&self) -> Result<PutTarget, Problem> {
        match self.entity_tags("if-none-match")? {
            None => self.task_id().map(PutTarget::Existing),
            Some(EntityTags::Any) if self.headers("if-match").next().is_none() => {
                let segment = self.path_parameter("task_id").unwrap_or_default();
                TaskId::parse_new(&segment, SystemTime::now()).map(PutTarget::New).map_err(Problem::invalid_task_id)
            }
            Some(EntityTags::Any) => Err(Problem::bad_header("If-Match and If-None-Match contradict each other.")),
            Some(EntityTags::Listed(_)) => Err(Problem::bad_header("If-None-Match must be * with PUT.")),
        }
    }

    /// Refuses a query: only lists have one.
    ///
    /// # Errors
    /// 400 naming every parameter.
    pub fn refuse_query(&self) -> Result<(), Problem> {
        query::must_be_empty(self.query())
    }

    /// The body: `application/json`, and for changes `application/merge-patch+json`.
    ///
    /// # Errors
    /// 415, 413, 400 if it is not a JSON object, 422 with pointers to what is wrong or unknown.
    pub fn body<T: FromBody>(&self) -> Result<T, Problem> {
        let is_encoded = self.headers("content-encoding").any(|coding| !coding.eq_ignore_ascii_case("identity"));
        let content_type = self.headers("content-type").next().unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if is_encoded || !T::MEDIA_TYPES.iter().any(|expected| media_type.eq_ignore_ascii_case(expected)) {
            return Err(Problem::unsupported_media_type(T::MEDIA_TYPES));
        }
        match self.bytes() {
            bytes if bytes.len() > T::MAX_BYTES => Err(Problem::body_too_large(T::MAX_BYTES)),
            bytes => body::parse(bytes, self.path_parameter("task_id").as_deref()),
        }
    }

    /// The body, if there is one.
    ///
    /// # Errors
    /// As [`Self::body`].
    pub fn optional_body<T: FromBody>(&self) -> Result<Option<T>, Problem> {
        if self.bytes().is_empty() { Ok(None) } else { self.body().map(Some) }
    }

    /// The list that the query describes.
    ///
    /// # Errors
    /// 400 naming every parameter that is unknown, repeated or wrong.
    pub fn list_query(&self) -> Result<ListQuery, Problem> {
        query::parse(self.query())
    }

    /// The page of tags that the query asks for.
    ///
    /// # Errors
    /// As [`Self::list_query`], and 400 `invalid_cursor`.
    pub fn tags_query(&self) -> Result<TagsQuery, Problem> {
        query::parse_tags(self.query())
    }

    /// The changes that the query asks for.
    ///
    /// # Errors
    /// As [`Self::list_query`], and 400 `invalid_sync_token`.
    pub fn changes_query(&self) -> Result<ChangesQuery, Problem> {
        query::parse_changes(self.query())
    }

    /// The page of an export that the query asks for.
    ///
    /// # Errors
    /// As [`Self::list_query`], and 400 `invalid_cursor`.
    pub fn export_query(&self) -> Result<ExportQuery, Problem> {
        query::parse_export(self.query())
    }

    /// Refuses to erase anything unless `Confirm-Erase` says once more whose tasks these are, as the path does.
    ///
    /// # Errors
    /// 400 naming the header field.
    pub fn confirm_erasure(&self) -> Result<(), Problem> {
        if self.headers("confirm-erase").eq([&*self.user_segment()]) {
            return Ok(());
        }
        Err(Problem::bad_header("To erase all tasks, send Confirm-Erase with the user id of the path, or me."))
    }

    /// On what terms a task is to be written: `If-Match` and `Idempotency-Key`.
    ///
    /// # Errors
    /// 400 if either is malformed.
    pub fn guard(&self) -> Result<Guard, Problem> {
        Ok(Guard { precondition: self.if_match()?, idempotency_key: self.idempotency_key()? })
    }

    /// What `If-Match` demands (RFC 9110 §13.1.1). `*` demands what every write does: that the task is there.
    fn if_match(&self) -> Result<Precondition, Problem> {
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

    /// The key that makes a write repeatable.
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

    /// Says in the line of this request that it is one that auditors look for, whatever becomes of it: the line has its
    /// status. Refused tokens and other users' paths need no such call.
    pub fn audit(&self, event: AuditEvent) {
        note(|record| record.audit = Some(event));
    }

    /// Notes where this request comes from: its route, its sender, and its trace.
    pub(super) fn note_origin(&self) {
        let field = |name: &str| self.headers(name).next();
        let callers = field("traceparent").and_then(TraceContext::from_traceparent);
        let gateways = || field("x-amzn-trace-id").and_then(TraceContext::from_xray);
        let Some(context) = self.context() else { return };
        note(|record| {
            record.route.clone_from(&context.route_key);
            record.source_ip.clone_from(&context.http.source_ip);
            // Lambda's own names the function's segment, if X-Ray records it.
            record.trace = callers.or(record.trace.take()).or_else(gateways);
        });
    }

    /// The name of this request: API Gateway's own, which is in its access log too, or else Lambda's.
    pub(crate) fn id(&self) -> &str {
        let lambda = || self.0.lambda_context_ref().map(|context| context.request_id.as_str());
        self.context().and_then(|context| context.request_id.as_deref()).or_else(lambda).unwrap_or_default()
    }

    /// Where the task that this request created is found: a path, because the host in front may be another one.
    pub(super) fn location(&self, id: TaskId) -> String {
        let user = self.user_segment();
        let user = utf8_percent_encode(&user, IN_PATH_SEGMENT);
        format!("{}/api/{user}/tasks/{id}", mount(self.0.raw_http_path()))
    }

    /// A parameter of the path, decoded once. HTTP APIs have done that already; `cargo lambda watch` has not. Its only
    /// route is `$default`, which has no parameters in AWS.
    fn path_parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let value = self.0.path_parameters_ref()?.first(name)?;
        let is_decoded = self.context().is_some_and(|context| context.route_key.as_deref() != Some("$default"));
        // What cannot be decoded stays as it is, and then names nobody and nothing.
        Some(if is_decoded { value.into() } else { percent_decode_str(value).decode_utf8().unwrap_or(value.into()) })
    }

    /// The parameters of the query, in their order. `lambda_http` has them as a map, which forgets it.
    fn query(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.0.uri().query().unwrap_or_default().as_bytes())
    }

    /// All fields of this name.
    fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.0.headers().get_all(name).into_iter();
        values.map(|value| str::from_utf8(value.as_bytes()).unwrap_or_default().trim_matches([' ', '\t']))
    }

    fn bytes(&self) -> &[u8] {
        self.0.body()
    }

    fn context(&self) -> Option<&ApiGatewayV2httpRequestContext> {
        match self.0.request_context_ref()? {
            RequestContext::ApiGatewayV2(context) => Some(context),
            _ => None,
        }
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

/// What precedes `/api/{user_id}/tasks`, unless it could not stand in a URL.
fn mount(path: &str) -> String {
    let tasks = |path: &'_ str| path.strip_suffix("/tasks").map(str::len);
    let end = tasks(path).or_else(|| path.rsplit_once('/').and_then(|(list, _id)| tasks(list)));
    let list = end.and_then(|end| path.get(..end)?.rsplit_once('/'));
    let mount = list.and_then(|(api, _user)| api.strip_suffix("/api")).unwrap_or_default();
    let safe = mount.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~$".contains(&byte));
    // `//` at the beginning would name another host.
    let absolute = mount.starts_with('/') && !mount.ends_with('/') && !mount.contains("//");
    if safe && absolute { mount.to_owned() } else { String::new() }
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests;
