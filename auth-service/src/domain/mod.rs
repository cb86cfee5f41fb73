//! The rules: pure, without HTTP, SQL, clock or randomness. In reading order.

pub mod time;

pub mod access;
pub mod account;
pub mod credential;
pub mod image;
pub mod principal;
pub mod project;
pub mod repository;

pub mod facts;
pub mod login;
pub mod scope;

pub mod grant;
pub mod reason;
pub mod refusal;

pub mod claims;
pub mod event;
pub mod network;
