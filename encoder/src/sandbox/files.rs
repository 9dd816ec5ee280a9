//! Files: Landlock.

use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath,
    PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
    make_bitflags,
};

use super::{Access, Sockets, THIS_PROGRAM};

/// Newest rights asked for; an older kernel gives what it knows.
const NEWEST: ABI = ABI::V6;
/// Where dynamic loaders find libraries: the usual places, those of Nix and Guix, and the loader's own lists.
const LIBRARIES: [&str; 12] = [
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
];
/// What `Stdio::null` opens.
const NOTHING: &str = "/dev/null";

pub(super) fn restrict(access: &Access) -> io::Result<()> {
    rules(access)
        .and_then(RulesetCreated::restrict_self)
        .map(drop)
        .map_err(io::Error::other)
}

fn rules(access: &Access) -> Result<RulesetCreated, RulesetError> {
    // A program may lie beside a folder of its own libraries.
    let beside = |program: &PathBuf| Some(program.parent()?.parent()?.join("lib"));
    let libraries = LIBRARIES.into_iter().map(PathBuf::from);
    let libraries = libraries.chain(access.run.iter().filter_map(beside));
    let programs = access.run.iter().cloned();
    let programs = programs.chain([THIS_PROGRAM.into()]);
    // The loader is a program too, and lies among the libraries.
    let library = make_bitflags!(AccessFs::{Execute | ReadFile | ReadDir});
    let program = make_bitflags!(AccessFs::{Execute | ReadFile});
    let read = AccessFs::ReadFile.into();
    let write = make_bitflags!(AccessFs::{
        ReadFile | ReadDir | WriteFile | MakeReg | RemoveFile | Truncate
    });
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(ABI::V4))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    if let Sockets::Proxy(port) = access.sockets {
        rules = rules.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    for path in libraries {
        rules = allow(rules, &path, library)?;
    }
    for path in programs {
        rules = allow(rules, &path, program)?;
    }
    for path in &access.read {
        rules = allow(rules, path, read)?;
    }
    for path in &access.write {
        rules = allow(rules, path, write)?;
    }
    allow(rules, Path::new(NOTHING), read | AccessFs::WriteFile)
}

/// A path that is not there needs no right.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else {
        return Ok(rules);
    };
    let access = if path.is_dir() {
        access
    } else {
        access & AccessFs::from_file(NEWEST)
    };
    rules.add_rule(PathBeneath::new(opened, access))
}
