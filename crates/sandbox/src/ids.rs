//! Ids in the format of each service.

use uuid::Uuid;

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LOWER: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// Returns a new Dune execution id: 26 characters of Crockford's base 32.
pub(crate) fn ulid() -> String {
    let mut bits = Uuid::new_v4().as_u128();
    let mut text = [b'0'; 26];
    for place in text.iter_mut().skip(1).rev() {
        *place = CROCKFORD[(bits & 31) as usize];
        bits >>= 5;
    }
    text[1] = b'1';
    text.iter().map(|&byte| byte as char).collect()
}

/// Returns whether a text has the format of a Dune execution id.
pub(crate) fn is_ulid(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| CROCKFORD.contains(&byte))
}

/// Returns a new Yandex Query id: 20 lower-case characters, with the prefix that the service uses.
pub(crate) fn yandex_query_id() -> String {
    let mut bits = Uuid::new_v4().as_u128();
    let mut text = String::from("csq");
    for _ in 0..17 {
        text.push(LOWER[(bits & 31) as usize] as char);
        bits >>= 5;
    }
    text
}

pub(crate) fn uuid() -> String {
    Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::{is_ulid, ulid, yandex_query_id};

    #[test]
    fn ids_have_the_format_of_their_service() {
        assert!(is_ulid(&ulid()));
        assert!(!is_ulid("not an execution"));
        assert!(!is_ulid(&ulid().to_lowercase()));
        assert_eq!(yandex_query_id().len(), 20);
        assert_ne!(ulid(), ulid());
    }
}
