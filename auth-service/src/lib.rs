//! auth-service: the token server in front of the stock container registry.
//!
//! The modules in reading order; `docs/ARCHITECTURE.md` draws the map and walks through a request.

pub mod domain;
pub mod ports;

pub mod app;

pub mod web;

pub mod adapters;
pub mod config;

pub mod bootstrap;
pub mod cli;
pub mod quickstart;
pub mod telemetry;
