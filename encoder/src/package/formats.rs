//! Which formats a track has had: an old entry of a playlist is in the format of its own init segment.

use std::collections::BTreeMap;
use std::path::Path;

use shiguredo_mp4::boxes::MoovBox;
use shiguredo_mp4::{BoxHeader, Decode, codec_string};

/// `CODECS` (RFC 6381) of each init segment, by its name.
#[derive(Default)]
pub(super) struct Formats(BTreeMap<String, String>);

impl Formats {
    /// Those of the init segments that are in a folder. What cannot be read as one is left out.
    pub fn in_folder(folder: &Path) -> Self {
        let mut formats = Self::default();
        for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = file.file_name();
            let name = name.to_str().unwrap_or_default();
            if name.starts_with("init")
                && name.ends_with(".mp4")
                && let Ok(bytes) = std::fs::read(file.path())
            {
                formats.add(name, &bytes);
            }
        }
        formats
    }

    /// One more.
    pub fn add(&mut self, name: &str, init: &[u8]) {
        if let Some(codecs) = codecs(init) {
            self.0.insert(name.to_owned(), codecs);
        }
    }

    /// Each format of the init segments that `named` is true for, once.
    pub fn of(&self, named: impl Fn(&str) -> bool) -> Vec<&str> {
        let named = self.0.iter().filter(|(name, _)| named(name));
        let mut found: Vec<&str> = named.map(|(_, codecs)| codecs.as_str()).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Of the first track.
fn codecs(mut init: &[u8]) -> Option<String> {
    let moov = loop {
        let (header, payload) = BoxHeader::decode_header_and_payload(init).ok()?;
        if header.box_type == MoovBox::TYPE {
            break MoovBox::decode(init).ok()?.0;
        }
        let end = payload.as_ptr_range().end as usize - init.as_ptr() as usize;
        init = init.get(end..)?;
    };
    let track = moov.trak_boxes.first()?;
    let entries = &track.mdia_box.minf_box.stbl_box.stsd_box.entries;
    let codecs = codec_string::from_sample_entry(entries.first()?).ok()?;
    // As browsers have it: the library writes the sample entry's name and small digits.
    Some(match codecs.strip_prefix("mp4a.6") {
        Some(object) => format!("mp4a.6{}", object.to_uppercase()),
        None => codecs.replace("Opus", "opus"),
    })
}
