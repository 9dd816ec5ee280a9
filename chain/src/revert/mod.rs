//! Why a contract refuses a call, in words.

mod sentences;

use std::collections::HashMap;
use std::fmt;

use alloy_primitives::U256;
use ethers::abi::ethabi::AbiError;
use ethers::abi::{Abi, ParamType, Token, decode};
use ethers::utils::to_checksum;
use serde::{Deserialize, Serialize};

use crate::convert::word_in;
use crate::fault::CaseStatus;
pub(crate) use sentences::decimal;

/// A contract's refusal, decoded by the ABI.
///
/// `Display` is a sentence: the error's name in words, then what it means here, with amounts in LPT or ETH and times in
/// blocks and rounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revert {
    /// Name of the custom error as in the Solidity source; `Error` for a plain message, `Panic` for a failed
    /// assertion, empty where the contract gave no reason or one that no ABI of ours declares.
    pub name: String,
    /// Arguments: name and value.
    pub args: Vec<(String, String)>,
}

impl Revert {
    /// Whether it is this custom error.
    pub fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// A case's status among its arguments; `None` where there is none of that name, or it names no case.
    pub fn status(&self, argument: &str) -> Option<CaseStatus> {
        let mut named = self.args.iter().filter(|(name, _)| name == argument);
        CaseStatus::of(named.next()?.1.parse().ok()?)
    }

    /// A refusal that carries nothing but words.
    pub(crate) fn message(text: impl Into<String>) -> Self {
        Self {
            name: "Error".into(),
            args: vec![("message".into(), text.into())],
        }
    }
}

impl fmt::Display for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.args.first().map_or("", |(_, value)| value.as_str());
        match self.name.as_str() {
            "" if value.is_empty() => f.write_str("the contract refuses without a reason"),
            "" => write!(
                f,
                "the contract refuses with an error that this version does not know ({value}); is it another \
                 deployment's?"
            ),
            "Error" => f.write_str(value),
            "Panic" => write!(f, "a check inside the contract failed: {value}"),
            name => {
                f.write_str(&words(name))?;
                if let Some(sentence) = sentences::sentence(self) {
                    return write!(f, ": {sentence}");
                }
                for (i, (name, value)) in self.args.iter().enumerate() {
                    let gap = if i == 0 { " (" } else { ", " };
                    let name = words(name);
                    write!(
                        f,
                        "{gap}{name}{}{value}",
                        if name.is_empty() { "" } else { " " }
                    )?;
                }
                f.write_str(if self.args.is_empty() { "" } else { ")" })
            }
        }
    }
}

/// Every custom error of the given ABIs, by selector.
#[derive(Clone, Debug, Default)]
pub(crate) struct ErrorBook(HashMap<[u8; 4], AbiError>);

impl ErrorBook {
    pub fn of<'a>(abis: impl IntoIterator<Item = &'a Abi>) -> Self {
        let errors = abis.into_iter().flat_map(|abi| abi.errors()).map(|error| {
            let hash = error.signature();
            ([hash[0], hash[1], hash[2], hash[3]], error.clone())
        });
        Self(errors.collect())
    }

    /// Decodes what a call returned instead of a result.
    pub fn decode(&self, data: &[u8]) -> Revert {
        let Some((selector, body)) = data.split_first_chunk::<4>() else {
            return Revert {
                name: String::new(),
                args: Vec::new(),
            };
        };
        let known = match selector {
            // Error(string) and Panic(uint256), which the compiler emits.
            [0x08, 0xc3, 0x79, 0xa0] => decode(&[ParamType::String], body).ok().and_then(message),
            [0x4e, 0x48, 0x7b, 0x71] => decode(&[ParamType::Uint(256)], body)
                .ok()
                .and_then(panic_code),
            _ => self.0.get(selector).and_then(|error| custom(error, body)),
        };
        known.unwrap_or_else(|| {
            let selector = format!("selector {}", hex::encode(selector));
            Revert {
                name: String::new(),
                args: vec![("selector".into(), selector)],
            }
        })
    }
}

fn custom(error: &AbiError, body: &[u8]) -> Option<Revert> {
    let kinds: Vec<_> = error
        .inputs
        .iter()
        .map(|input| input.kind.clone())
        .collect();
    let values = decode(&kinds, body).ok()?;
    let names = error.inputs.iter().map(|input| input.name.clone());
    Some(Revert {
        name: error.name.clone(),
        args: names.zip(values.iter().map(show)).collect(),
    })
}

fn message(tokens: Vec<Token>) -> Option<Revert> {
    Some(Revert::message(tokens.into_iter().next()?.into_string()?))
}

/// Codes of the Solidity documentation, "Panic via assert and Error via require".
fn panic_code(tokens: Vec<Token>) -> Option<Revert> {
    let code = tokens.into_iter().next()?.into_uint()?.low_u64();
    let meaning = match code {
        0x01 => "an assertion does not hold",
        0x11 => "arithmetic overflow or underflow",
        0x12 => "division by zero",
        0x21 => "a number outside an enumeration",
        0x22 => "a byte array that is stored wrongly",
        0x31 => "nothing left to take from an array",
        0x32 => "an index out of bounds",
        0x41 => "too much memory",
        0x51 => "a call of a function that was never set",
        _ => "an internal error",
    };
    Some(Revert {
        name: "Panic".into(),
        args: vec![("code".into(), meaning.into())],
    })
}

fn show(token: &Token) -> String {
    match token {
        Token::Address(address) => to_checksum(address, None),
        Token::Uint(word) | Token::Int(word) => U256::to_string(&word_in(*word)),
        Token::Bool(value) => value.to_string(),
        Token::String(text) => text.clone(),
        Token::Bytes(bytes) | Token::FixedBytes(bytes) => format!("0x{}", hex::encode(bytes)),
        Token::Array(items) | Token::FixedArray(items) | Token::Tuple(items) => {
            items.iter().map(show).collect::<Vec<_>>().join(" ")
        }
    }
}

/// `RoundNotOver` → `round not over`; acronyms keep their capitals.
fn words(name: &str) -> String {
    let letters: Vec<char> = name.trim_matches('_').chars().collect();
    let begins = |i: usize| {
        let before = i.checked_sub(1).and_then(|b| letters.get(b));
        let after = letters.get(i + 1);
        letters[i].is_uppercase()
            && before.is_some_and(|b| b.is_lowercase() || after.is_some_and(|a| a.is_lowercase()))
    };
    let mut words = vec![String::new()];
    for (i, letter) in letters.iter().enumerate() {
        if begins(i) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(*letter);
        }
    }
    for word in &mut words {
        if word.len() == 1 || word.chars().any(char::is_lowercase) {
            *word = word.to_lowercase();
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ethers::abi::{encode, parse_abi};

    fn book() -> ErrorBook {
        ErrorBook::of([&parse_abi(&[
            "error RoundNotOver(uint256 opensAt, uint256 currentBlock)",
            "error AlreadyProven()",
            "error BLSKeyTaken(address owner)",
            "error ERC20NotASigner()",
        ])
        .unwrap()])
    }

    fn data(signature: &str, args: &[Token]) -> Vec<u8> {
        [&alloy_primitives::keccak256(signature)[..4], &encode(args)].concat()
    }

    #[test]
    fn custom_errors_become_sentences() {
        let numbers = [Token::Uint(12.into()), Token::Uint(9.into())];
        let revert = book().decode(&data("RoundNotOver(uint256,uint256)", &numbers));
        assert!(revert.is("RoundNotOver"));
        assert_eq!(
            revert.to_string(),
            "round not over (opens at 12, current block 9)"
        );
        assert_eq!(
            book().decode(&data("AlreadyProven()", &[])).to_string(),
            "already proven"
        );
        let mixed = book().decode(&data("ERC20NotASigner()", &[]));
        assert_eq!(mixed.to_string(), "ERC20 not a signer");
        let owner = [Token::Address(ethers::types::H160::zero())];
        let revert = book()
            .decode(&data("BLSKeyTaken(address)", &owner))
            .to_string();
        assert_eq!(
            revert,
            "BLS key taken (owner 0x0000000000000000000000000000000000000000)"
        );
    }

    #[test]
    fn messages_panics_and_strangers() {
        let text = [Token::String("paused for a reason".into())];
        assert_eq!(
            book().decode(&data("Error(string)", &text)).to_string(),
            "paused for a reason"
        );
        let overflow = book().decode(&data("Panic(uint256)", &[Token::Uint(0x11.into())]));
        assert!(overflow.to_string().contains("overflow"));
        assert!(book().decode(&[]).to_string().contains("without a reason"));
        assert!(
            book()
                .decode(&[1, 2, 3, 4, 5])
                .to_string()
                .contains("does not know")
        );
        // Truncated arguments of a known error are not invented.
        let truncated = book().decode(&data("BLSKeyTaken(address)", &[])[..4]);
        assert!(truncated.name.is_empty());
    }
}
