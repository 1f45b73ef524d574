//! The paths of a checkout: the workspace root, and one [`Service`] for each folder of `specs/`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

/// A checkout, or a folder with the same layout.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

/// A service: a folder of `specs/` and the crate generated from it.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// The folder's name, `yandex-query`.
    pub(crate) name: String,
    root: PathBuf,
}

impl Workspace {
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The workspace this binary was built in.
    pub(crate) fn of_this_build() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self::new(manifest.parent().unwrap_or(manifest))
    }

    /// The root folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// All services, by name.
    pub(crate) fn services(&self) -> Result<Vec<Service>> {
        let specs = self.root.join("specs");
        let entries =
            fs::read_dir(&specs).with_context(|| format!("cannot list {}", specs.display()))?;
        let mut services = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                services.push(self.at(&entry.file_name().to_string_lossy()));
            }
        }
        services.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(services)
    }

    /// The service with this name.
    pub(crate) fn service(&self, name: &str) -> Result<Service> {
        let services = self.services()?;
        if let Some(service) = services.iter().find(|service| service.name == name) {
            return Ok(service.clone());
        }
        let known: Vec<_> = services.iter().map(|s| s.name.as_str()).collect();
        bail!(
            "unknown service {name:?}; the folders of specs/ are: {}",
            known.join(", ")
        )
    }

    fn at(&self, name: &str) -> Service {
        Service {
            name: name.to_owned(),
            root: self.root.clone(),
        }
    }
}

impl Service {
    /// The option that selects this root for a command, if it is a folder inside this checkout.
    pub(crate) fn root_option(&self) -> String {
        let this = Workspace::of_this_build();
        let (Ok(root), Ok(this)) = (self.root.canonicalize(), this.root.canonicalize()) else {
            return String::new();
        };
        match root.strip_prefix(this) {
            Ok(below) if below != Path::new("") => format!(" --root {}", below.display()),
            _ => String::new(),
        }
    }

    /// Formats a path relative to the workspace root.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    pub(crate) fn vendored(&self) -> PathBuf {
        self.spec("openapi.json")
    }

    pub(crate) fn handwritten(&self) -> PathBuf {
        self.spec("openapi.yaml")
    }

    pub(crate) fn overlay(&self) -> PathBuf {
        self.spec("overlay.yaml")
    }

    /// The facts that the actions of the overlay hide.
    pub(crate) fn overlay_lock(&self) -> PathBuf {
        self.spec("overlay.lock")
    }

    pub(crate) fn pin(&self) -> PathBuf {
        self.spec("upstream.toml")
    }

    /// The folder of the generated modules.
    pub(crate) fn generated(&self) -> PathBuf {
        self.in_crate("src/generated")
    }

    /// The manifest of the client.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.in_crate("Cargo.toml")
    }

    /// Whether the document is hand-written, without an upstream document.
    pub(crate) fn is_handwritten(&self) -> bool {
        self.handwritten().exists() && !self.vendored().exists() && !self.pin().exists()
    }

    fn in_crate(&self, file: &str) -> PathBuf {
        self.root.join("crates").join(&self.name).join(file)
    }

    fn spec(&self, file: &str) -> PathBuf {
        self.root.join("specs").join(&self.name).join(file)
    }
}
