//! The files of `profiles/`, compiled in so that the program needs none.

macro_rules! presets {
    ($($name:literal)+) => {
        const PRESETS: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../profiles/", $name, ".toml")))),+
        ];
    };
}

presets! {
    "144p" "240p" "360p" "480p" "720p" "1080p"
    "ladder-720p" "ladder-1080p" "bitrate-720p" "demo"
}

/// Names of the presets, single renditions first.
pub fn names() -> Vec<&'static str> {
    PRESETS.iter().map(|(name, _)| *name).collect()
}

pub(super) fn text(name: &str) -> Option<&'static str> {
    let found = PRESETS.iter().find(|(known, _)| *known == name)?;
    Some(found.1)
}
