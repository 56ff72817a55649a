//! A certificate authority that lives as long as the twin: its key is never written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tokio_rustls::rustls::crypto::ring::sign::any_ecdsa_type;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// Signs a leaf certificate for each host name it is asked for.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    leaves: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Authority {
    /// Makes a new authority.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("ccslurm4ai twin, throw-away authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().context("making the key of the twin's certificate authority")?;
        let pem = params.self_signed(&key).context("signing the twin's certificate authority")?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem, leaves: Mutex::default() })
    }

    /// The authority's certificate, for `REQUESTS_CA_BUNDLE` and `SSL_CERT_FILE`.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a host name and its key, for a server that is not the twin's own.
    ///
    /// # Errors
    /// The name cannot stand in a certificate.
    pub fn pem_for(&self, host: &str) -> Result<(String, String)> {
        let (certificate, key) = self.sign(host)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    fn sign(&self, host: &str) -> Result<(Certificate, KeyPair)> {
        let mut params = CertificateParams::new(vec![host.to_owned()])?;
        params.distinguished_name = named("ccslurm4ai twin");
        params.use_authority_key_identifier_extension = true; // Python 3.13 verifies strictly
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        Ok((params.signed_by(&key, &self.issuer)?, key))
    }

    fn leaf(&self, host: &str) -> Result<Arc<CertifiedKey>> {
        let mut leaves = self.leaves.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(leaf) = leaves.get(host) {
            return Ok(Arc::clone(leaf));
        }
        let (certificate, key) = self.sign(host)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let leaf = Arc::new(CertifiedKey::new(vec![certificate.der().clone()], any_ecdsa_type(&key)?));
        leaves.insert(host.to_owned(), Arc::clone(&leaf));
        Ok(leaf)
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

impl ResolvesServerCert for Authority {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.leaf(hello.server_name()?).ok()
    }
}
