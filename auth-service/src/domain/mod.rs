//! The rules: pure, without HTTP, SQL, clock or randomness. In reading order.

pub mod printable;
pub mod time;

pub mod access;
pub mod account;
pub mod contact;
pub mod credential;
pub mod image;
pub mod network;
pub mod principal;
pub mod project;
pub mod repository;
pub mod service_token;
pub mod token_name;

pub mod facts;
pub mod lockout;
pub mod login;
pub mod login_rejection;
pub mod login_scope;
pub mod scope;

pub mod foreign;

pub mod decision;
pub mod reason;
pub mod refusal;

pub mod claims;
pub mod client_id;
pub mod event;
