//! The twins that compile; see `tests/misuse.rs`.
#![expect(dead_code, reason = "they only need to compile")]

include!(concat!(env!("OUT_DIR"), "/allowed.rs"));
