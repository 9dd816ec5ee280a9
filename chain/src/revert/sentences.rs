//! Custom errors as sentences: `sentences.txt`, filled in.

use std::collections::HashMap;
use std::sync::LazyLock;

use alloy_primitives::U256;
use assay_protocol::amount::Lpt;

use crate::revert::Revert;
use crate::views::Role;

/// Sentences by the error's name.
static SENTENCES: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let mut sentences: HashMap<_, Vec<_>> = HashMap::new();
    for (name, sentence) in lines(include_str!("sentences.txt")) {
        sentences.entry(name).or_default().push(sentence);
    }
    sentences
});

fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(" = "))
}

/// The sentence for an error, filled in; `None` where there is none whose arguments the error has.
pub(super) fn sentence(revert: &Revert) -> Option<String> {
    let templates = SENTENCES.get(revert.name.as_str())?;
    templates
        .iter()
        .find_map(|template| fill(template, &revert.args))
}

/// Replaces every `{argument UNIT}`; `None` where an argument is missing or does not have the unit.
fn fill(template: &str, args: &[(String, String)]) -> Option<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (place, after) = after.split_once('}')?;
        let (name, unit) = place.split_once(' ').unwrap_or((place, ""));
        // Solidity's names of arguments that would shadow something end with an underscore.
        let matches = |of: &str| of.trim_matches('_') == name;
        let (_, value) = args.iter().find(|(of, _)| matches(of))?;
        filled.push_str(before);
        filled.push_str(&with_unit(value, unit)?);
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

fn with_unit(value: &str, unit: &str) -> Option<String> {
    let word = || value.parse::<U256>().ok();
    Some(match unit {
        "" => value.to_owned(),
        "LPT" | "ETH" => format!("{} {unit}", decimal(word()?)),
        "bps" => {
            let bps: u64 = word()?.try_into().ok()?;
            match bps % 100 {
                0 => format!("{} %", bps / 100),
                part => format!("{}.{part:02} %", bps / 100),
            }
        }
        "role" => match Role::of(value.parse().ok()?)? {
            Role::Transcoder => "transcoder".into(),
            Role::Verifier => "verifier".into(),
        },
        "block" => (value != "0").then(|| value.to_owned())?,
        "status" => match value {
            "0" => "unknown".into(),
            "1" => "open".into(),
            "2" => "executed".into(),
            "3" => "contested".into(),
            "4" => "acquitted".into(),
            "5" => "annulled".into(),
            "6" => "absorbed".into(),
            "7" => "spared".into(),
            other => format!("in status {other}"),
        },
        _ => return None,
    })
}

/// Base units as a decimal number; LPT and ETH have the same 18 places.
pub(crate) fn decimal(base_units: U256) -> String {
    Lpt(base_units).to_string()
}

#[cfg(test)]
mod tests {
    use ethers::abi::{Abi, Token, encode};

    use super::*;
    use crate::bindings::errors;
    use crate::fault::CaseStatus;

    const UNITS: [&str; 7] = ["", "LPT", "ETH", "bps", "role", "status", "block"];

    /// Every ABI in `chain/abi`, by the contract's name.
    fn abis() -> Vec<(String, Abi)> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("abi");
        let files = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path());
        let json = files.filter(|path| path.extension().is_some_and(|e| e == "json"));
        json.map(|path| {
            let value: serde_json::Value =
                serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let abi = value.get("abi").unwrap_or(&value).clone();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_value(abi).unwrap())
        })
        .collect()
    }

    fn example(kind: &ethers::abi::ParamType) -> Token {
        use ethers::abi::ParamType as Kind;
        match kind {
            Kind::Address => Token::Address(ethers::types::H160::repeat_byte(0xab)),
            Kind::Bool => Token::Bool(true),
            Kind::String => Token::String("text".into()),
            Kind::Bytes => Token::Bytes(vec![1, 2]),
            Kind::FixedBytes(size) => Token::FixedBytes(vec![7; *size]),
            Kind::Array(_) => Token::Array(Vec::new()),
            _ => Token::Uint(1.into()),
        }
    }

    #[test]
    fn every_error_of_every_contract_has_a_sentence() {
        let book = errors();
        let mut missing = Vec::new();
        for (contract, abi) in abis() {
            for error in abi.errors() {
                let values: Vec<_> = error.inputs.iter().map(|i| example(&i.kind)).collect();
                let data = [&error.signature()[..4], &encode(&values)].concat();
                let revert = book.decode(&data);
                if revert.name != error.name {
                    missing.push(format!(
                        "{contract}.{}: its ABI is not in `client::errors`",
                        error.name
                    ));
                } else if sentence(&revert).is_none() {
                    let names: Vec<_> = error.inputs.iter().map(|i| i.name.as_str()).collect();
                    let names = names.join(", ");
                    missing.push(format!("{contract}.{}({names})", error.name));
                } else {
                    let text = revert.to_string();
                    assert!(text.len() > error.name.len() + 10, "{text}");
                    assert!(!text.contains(['{', '}']), "{text}");
                }
            }
        }
        assert!(
            missing.is_empty(),
            "write a line in chain/src/revert/sentences.txt for each of:\n{}",
            missing.join("\n")
        );
    }

    #[test]
    fn every_line_is_well_formed() {
        for line in include_str!("sentences.txt").lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, sentence) = line.split_once(" = ").unwrap_or_else(|| panic!("{line}"));
            assert!(name.chars().all(char::is_alphanumeric), "{line}");
            assert!(!sentence.ends_with('.') && !sentence.is_empty(), "{line}");
            for place in sentence.split('{').skip(1) {
                let (place, _) = place.split_once('}').unwrap_or_else(|| panic!("{line}"));
                let unit = place.split_once(' ').map_or("", |(_, unit)| unit);
                assert!(UNITS.contains(&unit), "{line}");
            }
        }
    }

    #[test]
    fn every_status_of_a_case_has_its_word() {
        let known = (1..=u8::MAX).map_while(|code| Some((code, CaseStatus::of(code)?)));
        let known: Vec<_> = known.collect();
        assert!(known.len() >= 7, "{known:?}");
        for (code, status) in known {
            let word = with_unit(&code.to_string(), "status").unwrap();
            assert_eq!(serde_json::to_value(status).unwrap(), word, "{code}");
        }
        assert_eq!(with_unit("0", "status").unwrap(), "unknown");
    }

    #[test]
    fn a_block_that_is_not_known_yet_is_not_named() {
        let refused = |block: &str| {
            let arg = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let revert = Revert {
                name: "TooEarly".into(),
                args: vec![
                    arg("lockId", "3"),
                    arg("withdrawableRound", "4"),
                    arg("withdrawableBlock", block),
                ],
            };
            revert.to_string()
        };
        assert!(refused("70").ends_with("from round 4 and block 70 on"));
        let unknown = refused("0");
        assert!(
            unknown.contains("from round 4 on at the earliest"),
            "{unknown}"
        );
    }

    #[test]
    fn amounts_have_units() {
        let arg = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let revert = Revert {
            name: "BondTooSmall".into(),
            args: vec![
                arg("found", "12500000000000000000"),
                arg("minimum", "100000000000000000000"),
            ],
        };
        assert_eq!(
            revert.to_string(),
            "bond too small: the own bond would be 12.5 LPT, the least is 100 LPT"
        );
        let share = [arg("found", "10050"), arg("maximum", "10000")];
        assert_eq!(
            fill("{found bps} of {maximum bps}", &share).unwrap(),
            "100.50 % of 100 %"
        );
        assert_eq!(fill("{absent}", &share), None);
        assert_eq!(fill("{found role}", &share), None);
    }
}
