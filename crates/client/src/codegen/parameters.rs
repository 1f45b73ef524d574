use serde_json::Value;

/// The parameters of an operation, by name; implemented by every generated builder of one.
///
/// A position in a list belongs to the parameters that the list was requested with. A service
/// crate that follows pages compares them before it resumes.
pub trait Parameters {
    /// Returns the path, query and header parameters in the order of the document, without the
    /// body. The value is `null` where a parameter is not set, or was set to what it cannot be.
    fn parameters(&self) -> Vec<(&'static str, Value)>;
}
