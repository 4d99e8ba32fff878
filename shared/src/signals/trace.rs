//! The trace that a request belongs to, as its caller or AWS says.
//!
//! <https://www.w3.org/TR/trace-context/#traceparent-header>,
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>

use ring::rand::{SystemRandom, generate};

use crate::hex::hex;

/// A trace and the span in it that called this function. Ids are lowercase hexadecimal digits, and nothing else of the
/// headers is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceContext {
    /// 32 digits.
    pub(super) trace_id: String,
    /// 16 digits.
    pub(super) parent: Option<String>,
    /// Whether the caller wants spans of this trace.
    pub(super) is_sampled: bool,
}

impl TraceContext {
    /// Reads a `traceparent` of any version that begins as version 00 does.
    pub(crate) fn from_traceparent(field: &str) -> Option<Self> {
        let mut parts = field.split('-');
        let (version, trace_id) = (digits(parts.next()?, 2)?, id(parts.next()?, 32)?);
        let (parent, flags) = (id(parts.next()?, 16)?, digits(parts.next()?, 2)?);
        let is_whole = version != "ff" && (version != "00" || parts.next().is_none());
        let flags = u8::from_str_radix(flags, 16).ok().filter(|_| is_whole)?;
        Some(Self { trace_id: trace_id.to_owned(), parent: Some(parent.to_owned()), is_sampled: flags & 1 == 1 })
    }

    /// Reads the header of AWS. `Sampled=0` only says that X-Ray itself records nothing, which is what every function
    /// without active tracing gets. Then the parent does not exist either.
    pub(crate) fn from_xray(field: &str) -> Option<Self> {
        let (mut root, mut parent, mut sampled) = (None, None, None);
        for (name, value) in field.split(';').filter_map(|member| member.trim().split_once('=')) {
            match name {
                "Root" => root = root.or(Some(value)),
                "Parent" => parent = parent.or(Some(value)),
                "Sampled" => sampled = sampled.or(Some(value)),
                _ => {}
            }
        }
        let (time, random) = root?.strip_prefix("1-")?.split_once('-')?;
        let trace_id = [digits(time, 8)?, digits(random, 24)?].concat();
        let parent = parent.filter(|_| sampled == Some("1")).and_then(|parent| id(parent, 16)).map(str::to_owned);
        is_set(&trace_id).then_some(Self { trace_id, parent, is_sampled: true })
    }

    /// A trace that begins here.
    pub(super) fn random() -> Self {
        let trace_id = format!("{}{}", random_id(), random_id());
        Self { trace_id, parent: None, is_sampled: true }
    }
}

/// The id of a new span.
pub(super) fn random_id() -> String {
    // The operating system's random source cannot fail once TLS has used it.
    let bytes = generate::<[u8; 8]>(&SystemRandom::new()).map_or([1; 8], |random| random.expose());
    hex(&bytes)
}

fn digits(text: &str, length: usize) -> Option<&str> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (text.len() == length && is_hex).then_some(text)
}

fn id(text: &str, length: usize) -> Option<&str> {
    digits(text, length).filter(|text| is_set(text))
}

/// An id is not zero.
fn is_set(id: &str) -> bool {
    id.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;

    fn read(context: Option<TraceContext>) -> Option<(String, Option<String>, bool)> {
        context.map(|TraceContext { trace_id, parent, is_sampled }| (trace_id, parent, is_sampled))
    }

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";

    #[test]
    fn traceparent_names_trace_and_parent() {
        for (field, is_sampled) in [
            (format!("00-{TRACE}-{PARENT}-01"), true),
            (format!("00-{TRACE}-{PARENT}-00"), false),
            (format!("cc-{TRACE}-{PARENT}-03-more"), true),
        ] {
            let expected = Some((TRACE.to_owned(), Some(PARENT.to_owned()), is_sampled));
            assert_eq!(read(TraceContext::from_traceparent(&field)), expected, "{field}");
        }
    }

    #[test]
    fn malformed_traceparent_is_ignored() {
        for field in [
            String::new(),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}-01-more"),
            format!("00-{TRACE}-{PARENT}"),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{}-{PARENT}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{PARENT}-01", "CANARY"),
        ] {
            assert_eq!(read(TraceContext::from_traceparent(&field)), None, "{field}");
        }
    }

    #[test]
    fn xray_parent_exists_if_sampled() {
        let root = format!("Root=1-{}-{}", &TRACE[..8], &TRACE[8..]);
        for (field, parent) in [
            (root.clone(), None),
            (format!("{root};Parent={PARENT};Sampled=0;Lineage=1:a:0"), None),
            (format!("Self=1-x; {root}; Parent={PARENT}; Sampled=1"), Some(PARENT.to_owned())),
            (format!("{root};Parent=CANARY;Sampled=1"), None),
        ] {
            assert_eq!(read(TraceContext::from_xray(&field)), Some((TRACE.to_owned(), parent, true)), "{field}");
        }
        for field in ["", "Root=CANARY", "Root=1-CANARY-CANARY", "Root=1-00000000-000000000000000000000000"] {
            assert_eq!(read(TraceContext::from_xray(field)), None, "{field}");
        }
    }

    #[test]
    fn ids_differ() {
        let (one, other) = (TraceContext::random(), TraceContext::random());
        assert!(one.trace_id.len() == 32 && one.trace_id != other.trace_id);
    }
}
