//! The macros of `lifespan-plugin-api`: thin entries; each expansion is a pure function of its own.
