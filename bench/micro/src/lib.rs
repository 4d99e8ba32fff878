//! Nothing: the measurements are in `benches`, and a package needs a target of its own.
