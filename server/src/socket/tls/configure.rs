//! From certificate files to what every connection of a socket needs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

use crate::exchange::Protocol;
use crate::options::{ClientCa, TlsSettings};

/// Certificates that cannot be used; whoever configured them is at fault.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read, or holds nothing of the kind.
    #[error("cannot read a {what} from {}: {source}", path.display())]
    File {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// A file without a certificate.
    #[error("there is no certificate in {} (expected PEM)", .0.display())]
    Empty(PathBuf),
    /// Certificate and key do not go together, or are of an unknown kind.
    #[error("certificate {} with key {}: {source}", certificate.display(), key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// An authority that cannot vouch for anybody.
    #[error("certificates of clients cannot be checked against {}: {source}", path.display())]
    ClientCa {
        /// Its file.
        path: PathBuf,
        /// Why not.
        source: VerifierBuilderError,
    },
}

/// What the connections of one socket share. Made before the workers are forked and before the
/// user changes, so that the key may be readable for root alone, and a session that began with one
/// worker is resumed with any.
#[derive(Clone)]
pub(crate) struct Secrets(pub(super) Arc<ServerConfig>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// Reads the certificates of a socket on which `protocol` is spoken.
///
/// # Errors
/// A file is missing, or is not what it should be.
pub(crate) fn configure(settings: &TlsSettings, protocol: Protocol) -> Result<Secrets, TlsError> {
    let chain = certificates(&settings.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&settings.key);
    let key = key.map_err(unread("private key", &settings.key))?;
    let unusable = |source| TlsError::Unusable {
        certificate: settings.certificate.clone(),
        key: settings.key.clone(),
        source,
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let builder = match &settings.client_ca {
        Some(authority) => builder.with_client_cert_verifier(verifier(authority)?),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    if protocol == Protocol::Http {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
    }
    config.ticketer = ring::Ticketer::new().map_err(unusable)?;
    Ok(Secrets(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let chain: Vec<_> = read.map_err(unread("certificate", path))?;
    match chain.is_empty() {
        true => Err(TlsError::Empty(path.to_owned())),
        false => Ok(chain),
    }
}

fn unread(what: &'static str, path: &Path) -> impl FnOnce(pem::Error) -> TlsError {
    let path = path.to_owned();
    move |source| TlsError::File { what, path, source }
}

fn verifier(authority: &ClientCa) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(&authority.file)?);
    let provider = Arc::new(ring::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match authority.required {
        true => builder,
        false => builder.allow_unauthenticated(),
    };
    builder.build().map_err(|source| TlsError::ClientCa {
        path: authority.file.clone(),
        source,
    })
}
