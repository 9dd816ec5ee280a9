//! The worker takes no transcendental function from the platform's libm.
#![cfg(target_os = "linux")]

use std::process::Command;

#[test]
fn the_worker_imports_no_pinned_function() {
    let worker = env!("CARGO_BIN_EXE_assay-worker");
    let nm = Command::new("nm")
        .args(["-D", "--undefined-only", worker])
        .output()
        .unwrap();
    assert!(nm.status.success(), "{nm:?}");
    let text = String::from_utf8(nm.stdout).unwrap();
    let imported: Vec<&str> = text
        .split_whitespace()
        .map(|word| word.split('@').next().unwrap())
        .collect();
    // Otherwise the list would prove nothing.
    assert!(
        imported.contains(&"memcpy") && imported.contains(&"read"),
        "{imported:?}"
    );
    let leaked: Vec<_> = assay_libm::NAMES
        .iter()
        .filter(|name| imported.contains(name))
        .collect();
    assert!(leaked.is_empty(), "{leaked:?} come from the platform");
    // What is left of libm is fixed by IEEE 754 to the bit, or not mathematics at all.
    let exact = [
        "ceil", "ceilf", "floor", "floorf", "fma", "fmaf", "fmod", "fmodf", "rint", "rintf",
        "round", "roundf",
    ];
    let maths = [
        "exp", "log", "pow", "sin", "cos", "tan", "sqrt", "cbrt", "hypot", "gamma", "erf",
    ];
    let odd = imported
        .iter()
        .filter(|name| maths.iter().any(|m| name.starts_with(m)) && !exact.contains(name));
    assert_eq!(odd.count(), 0, "{imported:?}");
}
