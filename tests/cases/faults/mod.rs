//! What goes wrong behind the functions, at DynamoDB and at the issuer, and what becomes of it: an answer of ours in
//! time, nothing lost, and nothing done twice.

mod dynamodb;
mod errors;
mod issuer;
mod table;
