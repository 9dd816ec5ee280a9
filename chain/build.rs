//! The bindings are generated from `abi/*.json`, which the macro does not watch.

fn main() {
    println!("cargo::rerun-if-changed=abi");
}
