//! A device as its makers would write it from the documentation: keys, signatures, envelopes.

use super::world::{Reply, URL, World};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use license::{
    Challenge, Display, Expected, Individualization, IndividualizationRequest, KeyLevel, KeyName, RsaModulus,
    SigningPublicKey, SoftwareRsaKey, SoftwareSigningKey, Trust, VerifiedLicense, Version, sha256,
};
use nccp::{
    Answer, DeviceId, ErrorCode, LogBlob, LogEvent, MovieId, NewRules, Outcome, Register, RequestMessage,
    Response, ResponseMessage, Sequence, ShownGrant, WireError, seal_envelope, signing_input,
};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) const MODULE: Version = Version::new(0, 1, 0);

/// Making an RSA key takes long; the tests share one, and each challenge takes a fresh nonce.
pub(crate) fn rsa() -> &'static SoftwareRsaKey {
    static KEY: OnceLock<SoftwareRsaKey> = OnceLock::new();
    KEY.get_or_init(|| SoftwareRsaKey::generate().unwrap())
}

fn modulus() -> RsaModulus {
    let mut modulus = [0xA5; 256];
    modulus[255] |= 1;
    RsaModulus::try_from(modulus).unwrap()
}

pub(crate) struct Client {
    pub(crate) key: SoftwareSigningKey,
    pub(crate) certificate: Vec<u8>,
    pub(crate) cookies: String,
    pub(crate) device: Option<DeviceId>,
    pub(crate) ticket: Option<String>,
    /// The last number that was drawn, for an envelope or a challenge.
    pub(crate) sequence: AtomicU64,
}

pub(crate) fn id(movie: u64) -> MovieId {
    MovieId::try_from(movie).unwrap()
}

/// What the site's configuration tells a client to trust.
pub(crate) async fn trust(world: &World) -> Trust {
    let config: nccp::json::DecryptorConfig = world.get("/decryptor-config.json", "").await.json();
    let keys: Vec<[u8; 32]> =
        config.ca_keys.iter().map(|k| URL_SAFE_NO_PAD.decode(k).unwrap().try_into().unwrap()).collect();
    Trust::new(config.public_url, &keys).unwrap()
}

pub(crate) fn individualization_request(key: &SoftwareSigningKey, now: u64) -> Vec<u8> {
    individualization_of(key, modulus(), now, KeyLevel::Webcrypto)
}

/// The same for keys of a level.
pub(crate) fn individualization_request_of(key: &SoftwareSigningKey, now: u64, level: KeyLevel) -> Vec<u8> {
    individualization_of(key, modulus(), now, level)
}

fn individualization_of(
    key: &SoftwareSigningKey,
    rsa_modulus: RsaModulus,
    now: u64,
    level: KeyLevel,
) -> Vec<u8> {
    let request = IndividualizationRequest {
        signing_key: key.public_key().unwrap(),
        rsa_modulus,
        level,
        description: "Test on Linux".into(),
        module_version: MODULE,
        time: now,
        nonce: license::nonce().unwrap(),
    };
    let unsigned = request.to_be_signed(URL);
    let signature = key.sign(unsigned.message());
    unsigned.finish(&signature)
}

impl Client {
    /// A browser with fresh keys and a certificate, signed in with these cookies.
    pub(crate) async fn new(world: &World, cookies: &str) -> Self {
        Self::with_keys(world, cookies, modulus(), KeyLevel::Webcrypto).await
    }

    /// As [`Client::new`], with an RSA key that opens what is sealed for the device.
    pub(crate) async fn with_rsa(world: &World, cookies: &str, rsa: &SoftwareRsaKey) -> Self {
        Self::with_keys(world, cookies, rsa.modulus().unwrap(), KeyLevel::Webcrypto).await
    }

    /// As [`Client::new`], keeping its keys so well.
    pub(crate) async fn of_level(world: &World, cookies: &str, level: KeyLevel) -> Self {
        Self::with_keys(world, cookies, modulus(), level).await
    }

    async fn with_keys(world: &World, cookies: &str, modulus: RsaModulus, level: KeyLevel) -> Self {
        let key = SoftwareSigningKey::generate().unwrap();
        let request = individualization_of(&key, modulus, world.now(), level);
        let headers = [("content-type", "application/cose")];
        let reply = world.request("POST", "/individualize", &headers, &request).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let (answer, certificate) =
            Individualization::verify(&reply.body, &trust(world).await, &request).unwrap();
        assert_eq!(certificate.level, level);
        Self {
            key,
            certificate: answer.certificate,
            cookies: cookies.to_owned(),
            device: None,
            ticket: None,
            sequence: AtomicU64::new(0),
        }
    }

    /// A signed-in browser that has registered.
    pub(crate) async fn registered(world: &World) -> Self {
        let cookies = world.login().await;
        let mut client = Self::new(world, &cookies).await;
        client.register(world).await.unwrap();
        client
    }

    pub(crate) fn public_key(&self) -> SigningPublicKey {
        self.key.public_key().unwrap()
    }

    pub(crate) fn register_message(&self) -> RequestMessage {
        self.register_by(None)
    }

    /// The same, showing a grant.
    pub(crate) fn register_by(&self, grant: Option<ShownGrant>) -> RequestMessage {
        RequestMessage::Register(Register {
            certificate: self.certificate.clone(),
            name: "Test browser".into(),
            machine: "Mozilla/5.0".into(),
            grant,
        })
    }

    pub(crate) fn sign(&self, body: &[u8], ticket: &str) -> String {
        let url = format!("{URL}/nccp/controller");
        let input = signing_input(&url, &sha256(body), &sha256(ticket.as_bytes()));
        URL_SAFE_NO_PAD.encode(self.key.sign(input.as_bytes()))
    }

    /// The next sequence number.
    pub(crate) fn draw(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The last sequence number was another one.
    pub(crate) fn go_on_from(&self, sequence: u64) {
        self.sequence.store(sequence, Ordering::Relaxed);
    }

    /// The last sequence number.
    pub(crate) fn drawn(&self) -> u64 {
        self.sequence.load(Ordering::Relaxed)
    }

    /// The next envelope.
    pub(crate) fn seal(&mut self, world: &World, messages: &[RequestMessage]) -> String {
        self.seal_as(world, self.draw(), messages)
    }

    pub(crate) fn seal_as(&self, world: &World, sequence: u64, messages: &[RequestMessage]) -> String {
        let xml: String = messages.iter().map(RequestMessage::to_xml).collect();
        let sequence = Sequence::try_from(sequence).unwrap();
        seal_envelope(self.device.as_ref(), sequence, world.now(), "test/1", &xml)
    }

    /// Posts an envelope, signed, with the ticket there is.
    pub(crate) async fn post(&self, world: &World, body: &str) -> Reply {
        let ticket = self.ticket.clone().unwrap_or_default();
        let signature = self.sign(body.as_bytes(), &ticket);
        let mut headers = vec![
            ("content-type", "application/xml"),
            ("cookie", self.cookies.as_str()),
            ("x-nccp-signature", signature.as_str()),
        ];
        if self.ticket.is_some() {
            headers.push(("x-cticket", ticket.as_str()));
        }
        world.request("POST", "/nccp/controller", &headers, body.as_bytes()).await
    }

    /// Sends messages; what came of each, or the code of the whole envelope.
    pub(crate) async fn call(
        &mut self,
        world: &World,
        messages: &[RequestMessage],
    ) -> Result<Vec<Result<ResponseMessage, ErrorCode>>, ErrorCode> {
        let body = self.seal(world, messages);
        let reply = self.post(world, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let outcome = outcome(&reply);
        if let Ok(answers) = &outcome {
            self.remember(answers, &reply);
        }
        outcome
    }

    fn remember(&mut self, answers: &[Result<ResponseMessage, ErrorCode>], reply: &Reply) {
        for answer in answers.iter().flatten() {
            if let ResponseMessage::Register(r) | ResponseMessage::AuthenticationRenewal(r) = answer {
                // A38: header and element are equal.
                assert_eq!(reply.header("x-cticket"), r.ticket);
                self.ticket = Some(r.ticket.clone());
                self.device = Some(r.device_id.clone());
            }
        }
        let set = reply.cookie_pairs();
        if !set.is_empty() {
            let kept: Vec<_> = self
                .cookies
                .split("; ")
                .filter(|c| !c.starts_with("MatineeDevice=") && !c.is_empty())
                .collect();
            self.cookies = [kept, vec![&set]].concat().join("; ");
        }
    }

    /// Sends one message.
    pub(crate) async fn one(
        &mut self,
        world: &World,
        message: RequestMessage,
    ) -> Result<ResponseMessage, ErrorCode> {
        self.call(world, &[message]).await?.remove(0)
    }

    /// Reports that a film plays by these rules; the new ones, where the answer brings them.
    pub(crate) async fn report(&mut self, world: &World, movie: u64, version: &str) -> Option<NewRules> {
        let log = RequestMessage::LogBlob(LogBlob {
            movie_id: id(movie),
            position: 1.0,
            event: LogEvent::Interval,
            counters: vec![],
            policy_version: Some(version.to_owned()),
        });
        match self.one(world, log).await.unwrap() {
            ResponseMessage::LogBlob { rules, .. } => rules,
            other => panic!("{other:?}"),
        }
    }

    /// Sends one message; what it is refused with, in full.
    pub(crate) async fn refused(&mut self, world: &World, message: RequestMessage) -> WireError {
        let body = self.seal(world, &[message]);
        match Response::parse(&self.post(world, &body).await.body).unwrap().outcome {
            Outcome::Refused(error) => error,
            Outcome::Answers(answers) => match answers.into_iter().next() {
                Some(Answer::Failed { error, .. }) => error,
                other => panic!("{other:?}"),
            },
        }
    }

    pub(crate) async fn register(&mut self, world: &World) -> Result<ResponseMessage, ErrorCode> {
        let message = self.register_message();
        self.one(world, message).await
    }

    /// A challenge for a movie, before it is signed.
    pub(crate) fn unsigned_challenge(&self, world: &World, movie: u64, keys: Vec<KeyName>) -> Challenge {
        Challenge {
            ticket_sha256: sha256(self.ticket.as_deref().unwrap_or_default().as_bytes()),
            device_id: self.device.as_ref().unwrap().to_string(),
            stream_id: movie,
            keys,
            rsa_modulus: rsa().modulus().unwrap(),
            nonce: license::nonce().unwrap(),
            time: world.now(),
            certificate: self.certificate.clone(),
            module_version: MODULE,
            player_release: vec![],
            display: Display::Single,
            sequence: self.draw(),
        }
    }

    pub(crate) fn sign_challenge(&self, challenge: &Challenge) -> Vec<u8> {
        let unsigned = challenge.to_be_signed(URL, &self.public_key());
        let signature = self.key.sign(unsigned.message());
        unsigned.finish(&signature)
    }

    pub(crate) fn challenge(&self, world: &World, movie: u64) -> Vec<u8> {
        self.sign_challenge(&self.unsigned_challenge(world, movie, vec![]))
    }

    /// Opens a license as the module does.
    pub(crate) async fn open(
        &self,
        world: &World,
        license: &[u8],
        challenge: &[u8],
    ) -> Result<VerifiedLicense, license::Error> {
        let expected = Expected {
            device_id: self.device.as_ref().unwrap().as_str(),
            challenge_sha256: sha256(challenge),
            anchor: world.now(),
            module_version: MODULE,
        };
        VerifiedLicense::verify(license, &trust(world).await, &expected)
    }
}

/// What an answer says of each message, or of the whole envelope.
pub(crate) fn outcome(reply: &Reply) -> Result<Vec<Result<ResponseMessage, ErrorCode>>, ErrorCode> {
    match Response::parse(&reply.body).unwrap().outcome {
        Outcome::Refused(error) => Err(error.code),
        Outcome::Answers(answers) => Ok(answers
            .into_iter()
            .map(|answer| match answer {
                Answer::Done(done) => Ok(done),
                Answer::Failed { error, .. } => Err(error.code),
            })
            .collect()),
    }
}
