// An OpenID provider on loopback: `node provider.mjs PORT CLIENT_ID CLIENT_SECRET REDIRECT_URI`. It asks for no
// password: `login_hint`-less sign-ins are of whoever was last named with PUT /person, a JSON object of claims.
import { Provider } from "oidc-provider";

const [port, clientId, clientSecret, redirectUri] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
let person = { sub: "nobody" };

const provider = new Provider(issuer, {
  clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: redirectUri.split(",") }],
  claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"], email: ["email", "email_verified"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ ...person, sub: id }) }),
  loadExistingGrant: async (context) => {
    const grant = new context.oidc.provider.Grant({
      clientId: context.oidc.client.clientId,
      accountId: context.oidc.session.accountId,
    });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});

provider.use(async (context, next) => {
  if (context.path === "/person" && context.method === "PUT") {
    let text = "";
    for await (const piece of context.req) text += piece;
    person = JSON.parse(text);
    context.status = 204;
  } else if (context.path.startsWith("/interaction/")) {
    await provider.interactionFinished(context.req, context.res, { login: { accountId: person.sub, remember: false } });
    context.respond = false;
  } else {
    await next();
  }
});
provider.listen(Number(port), "127.0.0.1");
