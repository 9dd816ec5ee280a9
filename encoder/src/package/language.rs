//! Names of languages: containers have codes of ISO 639-2, playlists tags of RFC 5646.

use isolang::Language;

/// Codes of ISO 639-2 for bibliographies, where there is another one of ISO 639-3.
const BIBLIOGRAPHIC: [(&str, &str); 20] = [
    ("alb", "sqi"),
    ("arm", "hye"),
    ("baq", "eus"),
    ("bur", "mya"),
    ("chi", "zho"),
    ("cze", "ces"),
    ("dut", "nld"),
    ("fre", "fra"),
    ("geo", "kat"),
    ("ger", "deu"),
    ("gre", "ell"),
    ("ice", "isl"),
    ("mac", "mkd"),
    ("mao", "mri"),
    ("may", "msa"),
    ("per", "fas"),
    ("rum", "ron"),
    ("slo", "slk"),
    ("tib", "bod"),
    ("wel", "cym"),
];

/// The tag of a language: its code of two letters where it has one. What is no code is returned as it is.
pub(super) fn tag(code: &str) -> String {
    let known = BIBLIOGRAPHIC.iter().find(|(other, _)| *other == code);
    let code = known.map_or(code, |(_, code)| code);
    let short = Language::from_639_3(code).and_then(|language| language.to_639_1());
    short.unwrap_or(code).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_as_short_as_they_can_be() {
        let cases = [
            ("ger", "de"),
            ("deu", "de"),
            ("fre", "fr"),
            ("eng", "en"),
            ("gsw", "gsw"),
            ("de-CH", "de-CH"),
        ];
        for (code, expected) in cases {
            assert_eq!(tag(code), expected);
        }
        for (_, code) in BIBLIOGRAPHIC {
            assert_eq!(tag(code).len(), 2, "{code}");
        }
    }
}
