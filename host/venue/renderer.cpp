#include "venue/renderer.hpp"

#include <nlohmann/json.hpp>

#include <optional>

namespace anduin::venue {
namespace {

using nlohmann::json;

// Texts with cursors in them are new each time: the cache is emptied rather than grown.
constexpr std::size_t kCacheMax = 512;
constexpr std::string_view kSecretName = "secret";

Error bad(std::string where, std::string text) {
  return {ErrorKind::kBadRequest, std::move(where), std::move(text)};
}

/// Visible ASCII without a fragment: what may stand in a request line.
bool is_target_text(std::string_view text) {
  for (const char c : text)
    if (c <= 0x20 || c >= 0x7f || c == '#') return false;
  return true;
}

bool is_header_value(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return true;
}

bool is_header_name(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && kMarks.find(c) == kMarks.npos) return false;
  }
  return !text.empty();
}

bool is_method(std::string_view text) {
  for (const char c : text)
    if (c < 'A' || c > 'Z') return false;
  return !text.empty();
}

/// Parameters that carry the signature stay as templates until it is known.
struct Pieces {
  struct Piece {
    std::string text;
    std::optional<Template> signature;  ///< set: rendered last
  };
  std::vector<Piece> pieces;

  [[nodiscard]] std::string without_signature() const {
    std::string out;
    bool first = true;
    for (const Piece& p : pieces) {
      if (p.signature) continue;
      if (!first) out += '&';
      first = false;
      out += p.text;
    }
    return out;
  }
};

}  // namespace

/// One record while it is rendered: its one time, its one nonce, its arguments and signatures.
class Renderer::Record {
 public:
  Record(const SignPrograms& programs, std::string_view sign, const RenderContext& context)
      : programs_(programs), sign_(sign), context_(context) {}

  Result<void> read_args(std::string_view text);
  /// For templates of the record.
  Result<std::string> value(const Placeholder& p);
  /// For what is signed.
  Result<std::string> signed_value(const Placeholder& p);
  Result<std::string> signature(const std::string& name);
  Result<std::string> signed_message(const std::string& name);
  Result<Pieces> pieces(const Template& text, bool parameters);
  Result<std::string> finish(const Pieces& p);
  Result<std::string> render(const Template& text) {
    return text.render([this](const Placeholder& p) { return value(p); });
  }

  struct Seen {  // what a sign program sees of a request
    std::string method, path, query, body;
    bool body_known = true;
  };
  std::optional<Seen> request;  ///< absent for frames
  std::optional<Pieces> query, body;
  bool uses_credentials = false;
  std::vector<std::string> sensitive;

 private:
  Result<const SignProgram*> program(const std::string& name) const;
  Result<void> check_args(const SignProgram& program) const;
  Result<std::string> credential(std::string_view name);
  Result<std::string> common(const Placeholder& p);

  const SignPrograms& programs_;
  std::string sign_;
  const RenderContext& context_;
  std::map<std::string, std::string, std::less<>> args_, signatures_;
  std::optional<std::string> nonce_;
};

Result<void> Renderer::Record::read_args(std::string_view text) {
  if (text.empty()) return {};
  const json args = json::parse(text, nullptr, false);
  if (!args.is_object()) return bad("args", "the arguments of a record are a JSON object");
  for (const auto& [name, v] : args.items()) {
    if (v.is_string()) args_[name] = v.get<std::string>();
    else if (v.is_number_integer()) args_[name] = v.dump();
    else return bad("args/" + name, "an argument is a text or a whole number");
  }
  return {};
}

Result<const SignProgram*> Renderer::Record::program(const std::string& name) const {
  const std::string& wanted = name.empty() ? sign_ : name;
  if (wanted.empty()) return bad("{{sig}}", "the record names no sign program: set `sign`");
  const auto it = programs_.find(wanted);
  if (it == programs_.end()) return bad("/sign/" + wanted, "the manifest has no sign program of that name");
  return &it->second;
}

Result<void> Renderer::Record::check_args(const SignProgram& program) const {
  for (const auto& [name, type] : program.args()) {
    const auto it = args_.find(name);
    if (it == args_.end()) return bad("args/" + name, "the sign program needs this argument");
    if (!fits(type, it->second))
      return bad("args/" + name, "the argument does not have the type the manifest declares");
  }
  return {};
}

Result<std::string> Renderer::Record::credential(std::string_view name) {
  uses_credentials = true;
  const Secret* secret = context_.credentials == nullptr ? nullptr : context_.credentials->find(name);
  if (secret == nullptr)
    return Error{ErrorKind::kAuth, std::string(name),
                 "this instance has no credential \"" + std::string(name) +
                     "\": give the account one in the pipeline file"};
  return std::string(secret->reveal());
}

Result<std::string> Renderer::Record::common(const Placeholder& p) {
  const std::int64_t ms = context_.venue_ms + p.offset_ms;
  switch (p.var) {
    case Var::kKey: return credential("key");
    case Var::kPassphrase: return credential("passphrase");
    case Var::kTimeMs: return std::to_string(ms);
    case Var::kTimeS: return std::to_string(ms / 1000);
    case Var::kTimeIso: return iso_time(ms, true);
    case Var::kTimeIsoS: return iso_time(ms, false);
    case Var::kArg: {
      const auto it = args_.find(p.name);
      if (it == args_.end()) return bad(p.text, "the record's args have no \"" + p.name + "\"");
      return it->second;
    }
    case Var::kHost:
      if (context_.host.empty()) return bad(p.text, "no connection: there is no host yet");
      return std::string(context_.host);
    case Var::kNonce: {
      if (nonce_) return *nonce_;
      if (!context_.next_nonce)
        return bad(p.text, "the manifest has no `nonce`: write \"us\" or \"ms\" there");
      auto next = context_.next_nonce();
      if (next) nonce_ = *next;
      return next;
    }
    case Var::kSig:
    case Var::kMethod:
    case Var::kPath:
    case Var::kQuery:
    case Var::kTarget:
    case Var::kBody: break;
  }
  return bad(p.text, "stands for the rendered request and belongs into a sign program of the manifest");
}

Result<std::string> Renderer::Record::value(const Placeholder& p) {
  return p.var == Var::kSig ? signature(p.name) : common(p);
}

Result<std::string> Renderer::Record::signed_value(const Placeholder& p) {
  if (p.var == Var::kPath && !request) {
    if (context_.path.empty()) return bad(p.text, "no connection: there is no path yet");
    return std::string(context_.path);
  }
  const bool of_request = p.var == Var::kMethod || p.var == Var::kPath || p.var == Var::kQuery ||
                          p.var == Var::kTarget || p.var == Var::kBody;
  if (!of_request) return common(p);
  if (!request) return bad(p.text, "a frame has a host and a path, nothing else of a request");
  if (p.var == Var::kMethod) return request->method;
  if (p.var == Var::kPath) return request->path;
  if (p.var == Var::kQuery) return request->query;
  if (p.var == Var::kTarget)
    return request->query.empty() ? request->path : request->path + "?" + request->query;
  if (!request->body_known)
    return bad(p.text, "the body is JSON and carries {{sig}}: there is no text of it to sign");
  return request->body;
}

Result<std::string> Renderer::Record::signed_message(const std::string& name) {
  auto found = program(name);
  if (!found) return found.error();
  if (auto ok = check_args(**found); !ok) return ok.error();
  return (*found)->message([this](const Placeholder& p) { return signed_value(p); });
}

Result<std::string> Renderer::Record::signature(const std::string& name) {
  uses_credentials = true;
  if (const auto it = signatures_.find(name); it != signatures_.end()) return it->second;
  auto found = program(name);
  if (!found) return found.error();
  if (auto ok = check_args(**found); !ok) return ok.error();
  const Secret* secret =
      context_.credentials == nullptr ? nullptr : context_.credentials->find(kSecretName);
  if (secret == nullptr) return credential(kSecretName).error();
  auto made = (*found)->run(*secret, [this](const Placeholder& p) { return signed_value(p); });
  if (!made) return made.error();
  signatures_[name] = *made;
  sensitive.push_back(*made);
  return made;
}

Result<Pieces> Renderer::Record::pieces(const Template& text, bool parameters) {
  Pieces out;
  const std::vector<Template> cut = parameters ? text.split('&') : std::vector<Template>{text};
  for (const Template& t : cut) {
    if (t.uses(Var::kSig)) {
      out.pieces.push_back({{}, t});
      continue;
    }
    auto rendered = render(t);
    if (!rendered) return rendered.error();
    out.pieces.push_back({std::move(*rendered), std::nullopt});
  }
  return out;
}

Result<std::string> Renderer::Record::finish(const Pieces& p) {
  std::string out;
  for (std::size_t i = 0; i < p.pieces.size(); ++i) {
    if (i > 0) out += '&';
    if (!p.pieces[i].signature) {
      out += p.pieces[i].text;
      continue;
    }
    auto rendered = render(*p.pieces[i].signature);
    if (!rendered) return rendered.error();
    out += *rendered;
  }
  return out;
}

Result<Renderer> Renderer::create(const json& sign) {
  auto programs = parse_sign_programs(sign);
  if (!programs) return programs.error();
  return Renderer(std::move(*programs));
}

Renderer::Renderer(SignPrograms programs) : programs_(std::move(programs)) {}
Renderer::Renderer(Renderer&&) noexcept = default;
Renderer& Renderer::operator=(Renderer&&) noexcept = default;
Renderer::~Renderer() = default;

Result<std::shared_ptr<const Template>> Renderer::parsed(std::string_view text) {
  const bool worth = text.find("{{") != text.npos;
  if (worth)
    if (const auto it = cache_.find(text); it != cache_.end()) return it->second;
  auto made = Template::parse(text);
  if (!made) return made.error();
  auto shared = std::make_shared<const Template>(std::move(*made));
  if (!worth) return shared;
  if (cache_.size() >= kCacheMax) cache_.clear();
  cache_.emplace(std::string(text), shared);
  return shared;
}

/// Method, path, query and body, all but the signatures: after this a sign program can run.
Result<RenderedRequest> Renderer::prepare(Record& record, const HttpTemplate& request) {
  if (auto ok = record.read_args(request.args); !ok) return ok.error();
  if (!is_method(request.method)) return bad("method", "write an upper-case method such as GET");
  auto target = parsed(request.target);
  if (!target) return target.error();
  const Template::Halves halves = (*target)->cut('?');
  if (halves.first.uses(Var::kSig)) return bad("target", "{{sig}} cannot be part of the path");
  auto path = record.render(halves.first);
  if (!path) return path.error();
  if (!path->starts_with('/') || !is_target_text(*path) || path->find('?') != path->npos)
    return bad("target", "the path must begin with / and hold visible ASCII only, without ? and #");

  auto query = record.pieces(halves.rest, true);
  if (!query) return query.error();
  auto body_text = parsed(request.body);
  if (!body_text) return body_text.error();
  const char first = (*body_text)->first_literal();
  const bool form = first != '{' && first != '[';
  const bool signed_body = (*body_text)->uses(Var::kSig);
  auto body = record.pieces(**body_text, form && signed_body);
  if (!body) return body.error();

  RenderedRequest out;
  out.method = request.method;
  out.path = std::move(*path);
  record.request.emplace();
  record.request->method = out.method;
  record.request->path = out.path;
  record.request->query = query->without_signature();
  record.request->body_known = form || !signed_body;
  record.request->body = body->without_signature();
  record.query = std::move(*query);
  record.body = std::move(*body);
  return out;
}

Result<RenderedRequest> Renderer::render_http(const HttpTemplate& request, const RenderContext& context) {
  Record record(programs_, request.sign, context);
  auto out = prepare(record, request);
  if (!out) return out;
  auto query = record.finish(*record.query);
  if (!query) return query.error();
  if (!is_target_text(*query))
    return bad("target",
               "the query must hold visible ASCII only, without #: use the filter pct for values");
  out->query = std::move(*query);
  auto body = record.finish(*record.body);
  if (!body) return body.error();
  out->body = std::move(*body);

  std::string_view lines = request.headers;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.empty()) continue;
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !is_header_name(line.substr(0, colon)))
      return bad("headers", "write lines of the form Name: value");
    std::string_view text = line.substr(colon + 1);
    while (text.starts_with(' ')) text.remove_prefix(1);
    auto value = parsed(text);
    if (!value) return value.error();
    auto rendered = record.render(**value);
    if (!rendered) return rendered.error();
    if (!is_header_value(*rendered))
      return bad("headers", "a header's value must not hold control characters");
    out->headers.emplace_back(line.substr(0, colon), std::move(*rendered));
  }
  out->uses_credentials = record.uses_credentials;
  out->sensitive = std::move(record.sensitive);
  return out;
}

Result<RenderedRequest> Renderer::render_open(std::string_view target, std::string_view headers,
                                              const RenderContext& context) {
  HttpTemplate request{"GET", target.empty() ? std::string_view("/") : target};
  request.headers = headers;
  return render_http(request, context);
}

Result<RenderedFrame> Renderer::render_frame(const FrameTemplate& frame, const RenderContext& context) {
  Record record(programs_, frame.sign, context);
  if (auto ok = record.read_args(frame.args); !ok) return ok.error();
  auto payload = parsed(frame.payload);
  if (!payload) return payload.error();
  auto text = record.render(**payload);
  if (!text) return text.error();
  return RenderedFrame{std::move(*text), record.uses_credentials, std::move(record.sensitive)};
}

Result<std::string> Renderer::signed_text(const HttpTemplate& request, const RenderContext& context) {
  Record record(programs_, request.sign, context);
  auto prepared = prepare(record, request);
  if (!prepared) return prepared.error();
  return record.signed_message({});
}

Result<std::string> Renderer::signed_text(const FrameTemplate& frame, const RenderContext& context) {
  Record record(programs_, frame.sign, context);
  if (auto ok = record.read_args(frame.args); !ok) return ok.error();
  return record.signed_message({});
}

}  // namespace anduin::venue
