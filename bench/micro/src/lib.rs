//! Empty: the measurements are in `benches`, but a package needs a library or a binary.
