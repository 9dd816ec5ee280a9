//! What the bindings are generated from: functions and events of `abi/*.json`. Errors and bytecode are read at run time;
//! as generated code they would take most of the time that this crate compiles.

use std::path::Path;
use std::{env, fs, io};

use serde_json::Value;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=abi");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    for entry in fs::read_dir("abi")? {
        let path = entry?.path();
        let mut artifact: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let mut items = match artifact["abi"].take() {
            Value::Array(items) => items,
            _ => {
                return Err(io::Error::other(format!(
                    "{}: no list of names `abi`",
                    path.display()
                )));
            }
        };
        items.retain(|item| item["type"] == "function" || item["type"] == "event");
        let name = path.file_name().unwrap_or_default();
        fs::write(Path::new(&out).join(name), serde_json::to_vec(&items)?)?;
    }
    Ok(())
}
