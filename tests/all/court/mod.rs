//! `assay court`, each of its commands on a real chain: shown first, then done.

mod bonds;
mod evidence;
mod resolver;
