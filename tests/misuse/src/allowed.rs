//! The correct version of each program in `../refused`.

mod convert_into_a_user;
mod default_a_user;
mod deserialize_a_user;
mod exchange_the_user;
mod forge_a_user;
mod make_user_tasks;
mod name_a_user;
mod name_another_user;
mod name_the_database;
mod read_the_token;
mod read_without_a_user;
mod skip_authorization;
mod take_the_path_for_the_user;
mod use_a_user_twice;
