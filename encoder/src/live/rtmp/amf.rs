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

/// All values of a message, up to one that is not understood; of an object that it stands in, the fields before it.
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

fn long(bytes: &mut &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*take(bytes, 4)?.first_chunk()?))
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
        // Null, undefined, unsupported.
        5 | 6 | 13 => Value::Other,
        // An array with names: a count that binds nobody, then as an object.
        8 => {
            take(bytes, 4)?;
            Value::Object(fields(bytes, depth)?)
        }
        // An array: what senders of newer codecs list them in.
        10 => {
            let depth = depth.checked_sub(1)?;
            for _ in 0..long(bytes)? {
                value(bytes, depth)?;
            }
            Value::Other
        }
        // A date, with a time zone.
        11 => {
            take(bytes, 10)?;
            Value::Other
        }
        12 => {
            let len = long(bytes)? as usize;
            Value::Text(String::from_utf8_lossy(take(bytes, len)?).into_owned())
        }
        _ => return None,
    })
}

fn fields(bytes: &mut &[u8], depth: u32) -> Option<Vec<(String, Value)>> {
    let depth = depth.checked_sub(1)?;
    let mut fields = Vec::new();
    loop {
        // Cut off, or what comes is not known.
        let Some(name) = text(bytes) else {
            return Some(fields);
        };
        if name.is_empty() && bytes.first() == Some(&9) {
            take(bytes, 1)?;
            return Some(fields);
        }
        let Some(value) = value(bytes, depth) else {
            *bytes = &[];
            return Some(fields);
        };
        fields.push((name, value));
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

    #[cfg(test)]
    fn name_of(mut self, name: &str) -> Self {
        self.name(name);
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

    /// A `connect` whose object has this field before or after its application.
    fn connect(field: &[u8], before: bool) -> Vec<u8> {
        let app = Writer::default().name_of("app").text("live").0;
        let fields = match before {
            true => [field, &app],
            false => [&app, field],
        };
        let begun = Writer::default().text("connect").number(1.0).0;
        [&begun[..], &[3], &fields.concat(), &[0, 0, 9]].concat()
    }

    #[test]
    fn what_a_sender_lists_beside_its_application_does_no_harm() {
        // A list of codecs, a date, a long text, and what nobody knows.
        let codecs = Writer::default().name_of("fourCcList").0;
        let list = Writer::default().text("av01").text("hvc1").0;
        let list = [&codecs[..], &[10, 0, 0, 0, 2], &list].concat();
        let date = [&[0, 1, b'd', 11][..], &[0; 10]].concat();
        let long = [&[0, 1, b'l', 12, 0, 0, 0, 3][..], b"abc"].concat();
        for field in [&list, &date, &long] {
            for before in [true, false] {
                let values = read(&connect(field, before));
                let app = values[2].field("app").and_then(Value::text);
                assert_eq!((values.len(), app), (3, Some("live")), "{field:?}");
            }
        }
        let unknown = read(&connect(&[0, 1, b'u', 99], false));
        assert_eq!(unknown[2].field("app").and_then(Value::text), Some("live"));
        assert!(read(&[10, 255, 255, 255, 255, 5, 5]).is_empty());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = [3u8, 0, 1, b'a'].repeat(10_000);
        let mut values = read(&nested);
        let mut depth = 0;
        while let [Value::Object(fields)] = &values[..] {
            values = fields.iter().map(|(_, value)| value.clone()).collect();
            depth += 1;
        }
        assert!(values.is_empty() && depth == DEPTH, "{depth}");
        assert!(read(&[10u8, 0, 0, 0, 1].repeat(10_000)).is_empty());
    }
}
