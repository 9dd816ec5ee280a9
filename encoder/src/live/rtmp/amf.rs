//! AMF0, as far as RTMP's commands need it (Adobe's "Action Message Format – AMF 0").

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Text(String),
    Object(Vec<(String, Value)>),
    /// Null, booleans and everything else that no command here looks at.
    Other,
}

/// Objects within objects that are followed.
const DEPTH: u32 = 8;

impl Value {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Object(fields) => fields.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }
}

/// All values of a message, up to one that is not understood.
pub(super) fn read(mut bytes: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while let Some(value) = value(&mut bytes, DEPTH) {
        values.push(value);
    }
    values
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}

fn text(bytes: &mut &[u8]) -> Option<String> {
    let len = u16::from_be_bytes(*take(bytes, 2)?.first_chunk()?);
    let text = take(bytes, len.into())?;
    Some(String::from_utf8_lossy(text).into_owned())
}

fn value(bytes: &mut &[u8], depth: u32) -> Option<Value> {
    Some(match take(bytes, 1)?[0] {
        0 => Value::Number(f64::from_be_bytes(*take(bytes, 8)?.first_chunk()?)),
        1 => {
            take(bytes, 1)?;
            Value::Other
        }
        2 => Value::Text(text(bytes)?),
        3 => Value::Object(fields(bytes, depth)?),
        5 | 6 => Value::Other,
        // An array with names: a count that binds nobody, then as an object.
        8 => {
            take(bytes, 4)?;
            Value::Object(fields(bytes, depth)?)
        }
        _ => return None,
    })
}

fn fields(bytes: &mut &[u8], depth: u32) -> Option<Vec<(String, Value)>> {
    let depth = depth.checked_sub(1)?;
    let mut fields = Vec::new();
    loop {
        let name = text(bytes)?;
        if name.is_empty() && bytes.first() == Some(&9) {
            take(bytes, 1)?;
            return Some(fields);
        }
        fields.push((name, value(bytes, depth)?));
    }
}

/// Writes a command.
#[derive(Default)]
pub(super) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn text(mut self, text: &str) -> Self {
        self.0.push(2);
        self.name(text);
        self
    }

    pub fn number(mut self, number: f64) -> Self {
        self.0.push(0);
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub fn null(mut self) -> Self {
        self.0.push(5);
        self
    }

    pub fn object(mut self, fields: &[(&str, &str)]) -> Self {
        self.0.push(3);
        for (name, value) in fields {
            self.name(name);
            self = self.text(value);
        }
        self.0.extend_from_slice(&[0, 0, 9]);
        self
    }

    fn name(&mut self, name: &str) {
        self.0.extend_from_slice(&(name.len() as u16).to_be_bytes());
        self.0.extend_from_slice(name.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_as_they_are_written() {
        let bytes = Writer::default()
            .text("connect")
            .number(1.0)
            .object(&[("app", "live"), ("flashVer", "FMLE/3.0")])
            .null()
            .0;
        let values = read(&bytes);
        assert_eq!(values.len(), 4);
        assert_eq!(values[2].field("app").and_then(Value::text), Some("live"));
        for len in 0..bytes.len() {
            read(&bytes[..len]);
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = [3u8, 0, 1, b'a'].repeat(10_000);
        assert!(read(&nested).is_empty());
    }
}
