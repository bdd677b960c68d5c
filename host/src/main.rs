//! The program `lifespan`: the library's command line under its own name.

fn main() {}
