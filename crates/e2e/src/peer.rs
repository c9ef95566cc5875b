use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use license::{
    Individualization, IndividualizationRequest, KeyLevel, RsaModulus, SoftwareSigningKey, Trust, Version,
    nonce, sha256,
};
use nccp::json::DecryptorConfig;
use nccp::{
    Activation, Answer, CONTENT_TYPE, CONTROLLER_PATH, DeviceId, ErrorCode, Outcome, Register,
    RequestMessage, Response, ResponseMessage, SIGNATURE_HEADER, Sequence, TICKET_HEADER, seal_envelope,
    signing_input,
};
use serde_json::Value;

use crate::http::client;
use crate::{EMAIL, PASSWORD, Server};

/// A device without a screen: it speaks to the controller over HTTP, as docs/protocol.md has it.
pub struct Peer {
    http: reqwest::Client,
    site: String,
    key: SoftwareSigningKey,
    certificate: Vec<u8>,
    cookies: String,
    device: Option<DeviceId>,
    ticket: Option<String>,
    sequence: u64,
}

impl Peer {
    /// A browser of [`EMAIL`]'s that has registered under this name.
    pub async fn browser(server: &Server, name: &str) -> Self {
        let (http, site) = (client(), server.url());
        let login = serde_json::json!({ "email": EMAIL, "password": PASSWORD });
        let answer = http.post(format!("{site}/login")).json(&login).send().await.unwrap();
        assert_eq!(answer.status(), 204);
        let set = answer.headers().get_all("set-cookie").iter();
        let cookies: Vec<&str> = set.filter_map(|cookie| cookie.to_str().ok()?.split(';').next()).collect();
        let cookies = cookies.join("; ");

        let config = http.get(format!("{site}/decryptor-config.json")).send().await.unwrap();
        let config: DecryptorConfig = config.json().await.unwrap();
        let keys = config.ca_keys.iter().map(|key| BASE64URL.decode(key).unwrap().try_into().unwrap());
        let trust = Trust::new(&config.public_url, &keys.collect::<Vec<[u8; 32]>>()).unwrap();
        let key = SoftwareSigningKey::generate().unwrap();
        let mut modulus = [0xA5; 256];
        modulus[255] |= 1;
        let request = IndividualizationRequest {
            signing_key: key.public_key().unwrap(),
            rsa_modulus: RsaModulus::try_from(modulus).unwrap(),
            level: KeyLevel::Webcrypto,
            description: "End to end".into(),
            module_version: Version::new(0, 1, 0),
            time: config.time,
            nonce: nonce().unwrap(),
        };
        let unsigned = request.to_be_signed(&config.public_url);
        let signature = key.sign(unsigned.message());
        let request = unsigned.finish(&signature);
        let post = http.post(&config.individualize_url).header("content-type", "application/cose");
        let answer = post.body(request.clone()).send().await.unwrap().bytes().await.unwrap();
        let (answer, _) = Individualization::verify(&answer, &trust, &request).unwrap();
        let certificate = answer.certificate;
        let mut peer =
            Self { http, site, key, certificate, cookies, device: None, ticket: None, sequence: 0 };
        let register = Register {
            certificate: peer.certificate.clone(),
            name: name.to_owned(),
            machine: "End to end".into(),
            grant: None,
        };
        peer.ask(RequestMessage::Register(register)).await.unwrap();
        peer
    }

    /// A TV box of the model `Matinee One`, fresh from the factory. The server's configuration must name its
    /// `public_url`; it is started again, because it reads a factory's new key in its own time only.
    pub async fn tv_box(server: &mut Server, serial: &str) -> Self {
        let file = server.data().join(format!("box-{serial}.json"));
        let path = file.to_str().unwrap();
        server.run(&["box", "provision", "--model", "Matinee One", "--serial", serial, "--output", path]);
        let file: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let octets = |name: &str| BASE64URL.decode(file[name].as_str().unwrap()).unwrap();
        let key = SoftwareSigningKey::from_bytes(&octets("signing_key").try_into().unwrap()).unwrap();
        assert!(server.stop(), "the server's exit after an interrupt");
        server.restart().await;
        Self {
            http: client(),
            site: server.url(),
            key,
            certificate: octets("certificate"),
            cookies: String::new(),
            device: None,
            ticket: None,
            sequence: 0,
        }
    }

    /// What a box hears when it asks for a code, or again.
    pub async fn poll(&mut self) -> Result<Activation, ErrorCode> {
        let message = RequestMessage::ActivationCode { certificate: self.certificate.clone() };
        match self.ask(message).await? {
            ResponseMessage::ActivationCode(activation) => Ok(activation),
            other => panic!("{other:?}"),
        }
    }

    /// The code that the box shows.
    pub async fn code(&mut self) -> String {
        match self.poll().await.unwrap() {
            Activation::Code { code, .. } => code,
            other => panic!("no code, but {other:?}"),
        }
    }

    /// Polls, and is registered.
    pub async fn joins(&mut self) {
        let answer = self.poll().await;
        assert!(matches!(answer, Ok(Activation::Registered(_))), "{answer:?}");
    }

    /// Sends one message; what came of it.
    pub async fn ask(&mut self, message: RequestMessage) -> Result<ResponseMessage, ErrorCode> {
        self.sequence += 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let sequence = Sequence::try_from(self.sequence).unwrap();
        let body = seal_envelope(self.device.as_ref(), sequence, now, "e2e/1", &message.to_xml());
        let url = format!("{}{CONTROLLER_PATH}", self.site);
        let ticket = self.ticket.clone().unwrap_or_default();
        let input = signing_input(&url, &sha256(body.as_bytes()), &sha256(ticket.as_bytes()));
        let mut post =
            self.http.post(&url).header("content-type", CONTENT_TYPE).header("cookie", &self.cookies);
        post = post.header(SIGNATURE_HEADER, BASE64URL.encode(self.key.sign(input.as_bytes())));
        if !ticket.is_empty() {
            post = post.header(TICKET_HEADER, ticket);
        }
        let answer = post.body(body).send().await.unwrap().bytes().await.unwrap();
        let answer = match Response::parse(&answer).unwrap().outcome {
            Outcome::Refused(error) => return Err(error.code),
            Outcome::Answers(answers) => answers.into_iter().next().unwrap(),
        };
        match answer {
            Answer::Failed { error, .. } => Err(error.code),
            Answer::Done(done) => {
                if let ResponseMessage::Register(registration)
                | ResponseMessage::ActivationCode(Activation::Registered(registration)) = &done
                {
                    self.ticket = Some(registration.ticket.clone());
                    self.device = Some(registration.device_id.clone());
                }
                Ok(done)
            }
        }
    }
}
