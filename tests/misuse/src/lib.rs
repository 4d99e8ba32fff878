//! The twins that compile: see `tests/misuse.rs`.
#![expect(dead_code, reason = "compiling is all that they are for")]

include!(concat!(env!("OUT_DIR"), "/allowed.rs"));
