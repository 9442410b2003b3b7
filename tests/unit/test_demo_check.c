/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* test_demo_check.c - what the emulated Gemini refuses, and in which words. */
#include "demo_ask.h"

#define USER(text) "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"" text "\"}]}]"
#define CONFIG(c)  "{" USER("hi") ",\"generationConfig\":{" c "}}"
#define TOOLS(f)   "{" USER("hi") ",\"tools\":[{\"functionDeclarations\":[" f "]}]}"
#define FUNC(name) "{\"name\":\"" name "\"}"
#define PARAMS(s)  TOOLS("{\"name\":\"f\",\"parameters\":" s "}")
#define PARTS(p)   "{\"contents\":[{\"parts\":[" p "]}]}"
#define CALL(id, sig)                                                                              \
    "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\"" id "}" sig "}]}"
#define TWO_CALLS                                                                                  \
    "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\"},"                           \
    "\"thoughtSignature\":" DUMMY "},{\"functionCall\":{\"name\":\"f\"}}]}"
#define RESULT(id)                                                                                 \
    "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{}" id "}}]" \
    "}"
#define DUMMY                 "\"skip_thought_signature_validator\""
#define SIGNED                ",\"thoughtSignature\":" DUMMY
#define SAID(text)            "{\"role\":\"user\",\"parts\":[{\"text\":\"" text "\"}]}"
#define MODEL(text)           "{\"role\":\"model\",\"parts\":[{\"text\":\"" text "\"}]}"
#define TALK_2(a, b)          "{\"contents\":[" a "," b "]}"
#define TALK_3(a, b, c)       TALK_2(a, b "," c)
#define TALK_4(a, b, c, d)    TALK_2(a, b "," c "," d)
#define TALK_5(a, b, c, d, e) TALK_2(a, b "," c "," d "," e)
#define NAME_129                                                                                   \
    "a234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901"  \
    "23456789012345678901234567890123456789"

#define STATES                                                                                     \
    "The specified schema produces a constraint that has too many states for serving.  Typical "   \
    "causes of this error are schemas with lots of text (for example, very long property or enum " \
    "names), schemas with long array length limits (especially when nested), or schemas using "    \
    "complex value matchers (for example, integers or numbers with minimum/maximum bounds or "     \
    "strings with complex formats like date-time)"

static const char NEW[] = "gemini-3.8-flash";
static const char OLD[] = "gemini-2.5-flash";
static const char MID[] = "gemini-3.5-flash";

static const struct row {
    const char *name;
    const char *model;
    const char *body;
    const char *message; /* NULL: it is taken */
} ROWS[] = {
  /* clang-format off */
    /* the schema */
    {"unknown at the top", NEW, "{" USER("hi") ",\"messages\":[]}", "Invalid JSON payload received. Unknown name \"messages\": Cannot find field."},
    {"unknown below", NEW, CONFIG("\"maxTokens\":5"), "Invalid JSON payload received. Unknown name \"maxTokens\" at 'generation_config': Cannot find field."},
    {"two unknown", NEW, CONFIG("\"a\":1,\"b\":2"), "Invalid JSON payload received. Unknown name \"a\" at 'generation_config': Cannot find field.\nInvalid JSON payload received. Unknown name \"b\" at 'generation_config': Cannot find field."},
    {"unknown in a list", NEW, PARAMS("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"additionalProperties\":false}"), "Invalid JSON payload received. Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters': Cannot find field."},
    {"unknown in a map", NEW, PARAMS("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"const\":1}}}"), "Invalid JSON payload received. Unknown name \"const\" at 'tools[0].function_declarations[0].parameters.properties[0].value': Cannot find field."},
    {"type list in a Schema", NEW, PARAMS("{\"type\":[\"object\",\"null\"],\"properties\":{\"a\":{\"type\":\"string\"}}}"), "Invalid JSON payload received. Unknown name \"type\" at 'tools[0].function_declarations[0].parameters': Proto field is not repeating, cannot start list."},
    {"response that is a list", NEW, TALK_3(SAID("x"), CALL("", SIGNED), "{\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":[1]}}]}"), "Invalid JSON payload received. Unknown name \"response\" at 'contents[2].parts[0].function_response': Proto field is not repeating, cannot start list."},
    {"response that is text", NEW, TALK_3(SAID("x"), CALL("", SIGNED), "{\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":\"4\"}}]}"), "Invalid value at 'contents[2].parts[0].function_response.response' (type.googleapis.com/google.protobuf.Struct), \"4\""},
    {"text that is a number", NEW, PARTS("{\"text\":5}"), "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5"},
    {"text that is an object", NEW, PARTS("{\"text\":{\"a\":1}}"), "Invalid value at 'contents[0].parts[0]' (text), Starting an object on a scalar field"},
    {"number that is text", NEW, CONFIG("\"temperature\":\"warm\""), "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"warm\""},
    {"fraction for an integer", NEW, CONFIG("\"maxOutputTokens\":1.5"), "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), 1.5"},
    {"unknown word", NEW, CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"xhigh\"}"), "Invalid value at 'generation_config.thinking_config.thinking_level' (type.googleapis.com/google.ai.generativelanguage.v1beta.ThinkingConfig.ThinkingLevel), \"xhigh\""},
    {"message that is text", NEW, "{" USER("hi") ",\"generationConfig\":\"x\"}", "Invalid value at 'generation_config' (type.googleapis.com/google.ai.generativelanguage.v1beta.GenerationConfig), \"x\""},
    {"bad base64", NEW, PARTS("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"%%%\"}}"), "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), Base64 decoding failed for \"%%%\""},
    {"two kinds in one part", NEW, PARTS("{\"text\":\"a\",\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"\"}}"), "Invalid value at 'contents[0].parts[0]' (oneof), oneof field 'data' is already set. Cannot set 'inlineData'"},
    {"a list as the body", NEW, "[]", "Invalid JSON payload received. Unknown name \"\": Root element must be a message."},
    {"snake case", NEW, "{" USER("hi") ",\"generation_config\":{\"max_output_tokens\":\"50\",\"stop_sequences\":[\"x\"]}}", NULL},
    {"one value for a list", NEW, "{\"contents\":{\"parts\":{\"text\":\"hi\"}}}", NULL},
    {"null is absent", NEW, "{" USER("hi") ",\"tools\":null,\"generationConfig\":{\"seed\":null}}", NULL},
    {"words in any case", NEW, "{" USER("hi") ",\"tools\":[{\"functionDeclarations\":[" FUNC("f") "]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"auto\"}}}", NULL},
    /* rules about fields */
    {"no contents", NEW, "{}", "* GenerateContentRequest.contents: contents is not specified\n"},
    {"empty contents", NEW, "{\"contents\":[]}", "* GenerateContentRequest.contents: contents is not specified\n"},
    {"empty parts", NEW, TALK_2(SAID("a"), "{\"parts\":[]}"), "* GenerateContentRequest.contents[1].parts: contents.parts must not be empty.\n"},
    {"empty part", NEW, PARTS("{}"), "* GenerateContentRequest.contents[0].parts[0].data: required oneof field 'data' must have one initialized field\n"},
    {"two rules", NEW, "{\"contents\":[{\"parts\":[]}],\"generationConfig\":{\"temperature\":5}}", "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.\n* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].\n"},
    {"mime type", NEW, CONFIG("\"responseMimeType\":\"text/html\""), "* GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are `text/plain`, `application/json`, `application/xml`, `application/yaml` and `text/x.enum`.\n"},
    {"schema without JSON", NEW, CONFIG("\"responseJsonSchema\":{}"), "* GenerateContentRequest.generation_config.response_schema: only allowed when response_mime_type is `application/json` or `text/x.enum`.\n"},
    {"both schemas", NEW, CONFIG("\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"STRING\"},\"responseJsonSchema\":{}"), "* GenerateContentRequest.generation_config.response_json_schema: response_json_schema and response_schema are mutually exclusive.\n"},
    {"six stops", NEW, CONFIG("\"stopSequences\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]"), "* GenerateContentRequest.generation_config.stop_sequences: at most 5 stop_sequences are allowed.\n"},
    {"five stops", NEW, CONFIG("\"stopSequences\":[\"a\",\"b\",\"c\",\"d\",\"e\"]"), NULL},
    {"empty tool", NEW, "{" USER("hi") ",\"tools\":[{\"functionDeclarations\":[]}]}", "* GenerateContentRequest.tools[0].tool_type: required one_of 'tool_type' must have one initialized field\n"},
    {"function name", NEW, TOOLS(FUNC("7up")), "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.\n"},
    {"function name, too long", NEW, TOOLS(FUNC(NAME_129)), "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.\n"},
    {"no properties",                NEW, PARAMS("{\"type\":\"OBJECT\",\"properties\":{}}"),                                             NULL},
    {"parameters of another type", NEW, PARAMS("{\"type\":\"STRING\"}"), "* GenerateContentRequest.tools[0].function_declarations[0].parameters.type: must be OBJECT\n"},
    {"array without items", NEW, PARAMS("{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"ARRAY\"}}}"), "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[a].items: missing field.\n"},
    {"required is not there", NEW, PARAMS("{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"}},\"required\":[\"b\"]}"), "* GenerateContentRequest.tools[0].function_declarations[0].parameters.required[0]: property is not defined\n"},
    {"enum of numbers", NEW, PARAMS("{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"INTEGER\",\"enum\":[\"1\"]}}}"), "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[a].enum: only allowed for STRING type\n"},
    {"empty word", NEW, PARAMS("{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\",\"enum\":[\"\"]}}}"), "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties[a].enum[0]: cannot be empty\n"},
    {"both parameters", NEW, TOOLS("{\"name\":\"f\",\"parametersJsonSchema\":{},\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"}}}}"), "* GenerateContentRequest.tools[0].function_declarations[0]: parameters and parameters_json_schema are mutually exclusive.\n"},
    {"any JSON Schema", NEW, TOOLS("{\"name\":\"f\",\"parametersJsonSchema\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,\"not\":{}}}"), NULL},
    /* options of models */
    {"candidates", NEW, CONFIG("\"candidateCount\":2"), "Multiple candidates is not enabled for this model"},
    {"candidates of 2.5", OLD, CONFIG("\"candidateCount\":2"), NULL},
    {"penalty", OLD, CONFIG("\"presencePenalty\":0.5"), "Penalty is not enabled for this model"},
    {"logprobs", NEW, CONFIG("\"responseLogprobs\":true"), "Logprobs is not enabled for this model"},
    {"too many tokens", NEW, CONFIG("\"maxOutputTokens\":65537"), "Unable to submit request because it has a maxOutputTokens value of 65537 but the supported range is from 1 (inclusive) to 65537 (exclusive). Update the value and try again."},
    {"as many as there are", NEW, CONFIG("\"maxOutputTokens\":65536"), NULL},
    {"no tokens", NEW, CONFIG("\"maxOutputTokens\":0"), "Unable to submit request because it has a maxOutputTokens value of 0 but the supported range is from 1 (inclusive) to 65537 (exclusive). Update the value and try again."},
    {"level and budget", NEW, CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"LOW\",\"thinkingBudget\":5}"), "You can only set only one of thinking budget and thinking level."},
    {"minimal", NEW, CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"MINIMAL\"}"), "Thinking level MINIMAL is not supported for this model. Please retry with other thinking level."},
    {"medium of the first 3 pro", "gemini-3-pro-preview-11-2025", CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"MEDIUM\"}"), "Thinking level MEDIUM is not supported for this model. Please retry with other thinking level."},
    {"medium of 3.1 pro", "gemini-3-pro-preview", CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"MEDIUM\"}"), NULL},
    {"minimal of 3.5", MID, CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"minimal\"}"), NULL},
    {"level of 2.5", OLD, CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"low\"}"), "Thinking level is not supported for this model."},
    {"budget 0", NEW, CONFIG("\"thinkingConfig\":{\"thinkingBudget\":0}"), "Budget 0 is invalid. This model only works in thinking mode."},
    {"budget 0 of 2.5 flash", OLD, CONFIG("\"thinkingConfig\":{\"thinkingBudget\":0}"), NULL},
    {"budget 0 of 2.5 pro", "gemini-2.5-pro", CONFIG("\"thinkingConfig\":{\"thinkingBudget\":0}"), "Budget 0 is invalid. This model only works in thinking mode."},
    {"budget, too large", OLD, CONFIG("\"thinkingConfig\":{\"thinkingBudget\":30000}"), "The thinking budget 30000 is invalid. Please choose a value between 0 and 24576."},
    {"budget, too small", "gemini-2.5-flash-lite", CONFIG("\"thinkingConfig\":{\"thinkingBudget\":100}"), "The thinking budget 100 is invalid. Please choose a value between 512 and 24576."},
    {"budget, as the model likes", "gemini-2.5-pro", CONFIG("\"thinkingConfig\":{\"thinkingBudget\":-1}"), NULL},
    {"budget of Gemma", "gemma-4-31b-it", CONFIG("\"thinkingConfig\":{\"thinkingBudget\":0}"), "Thinking budget is not supported for this model."},
    {"pictures from a chat model", NEW, CONFIG("\"responseModalities\":[\"TEXT\",\"IMAGE\"]"), "The requested combination of response modalities (IMAGE) is not supported by the model. models/gemini-3.8-flash accepts the following combination of response modalities:\n* TEXT\n"},
    {"pictures from an image model", "gemini-3.1-flash-image", CONFIG("\"responseModalities\":[\"TEXT\",\"IMAGE\"]"), NULL},
    {"words from a speech model", "gemini-3.8-flash-tts", "{" USER("hi") "}", "The requested combination of response modalities (TEXT) is not supported by the model. models/gemini-3.8-flash-tts accepts the following combination of response modalities:\n* AUDIO\n"},
    {"a schema of few states", NEW, CONFIG("\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"type\":\"array\",\"maxItems\":\"900\",\"items\":{\"type\":\"integer\",\"maximum\":9}}"), NULL},
    {"a schema of too many", NEW, CONFIG("\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"type\":\"array\",\"maxItems\":\"900\",\"items\":{\"type\":\"array\",\"maxItems\":900,\"items\":{\"type\":\"integer\"}}}"), STATES},
    {"a limit that no number holds", NEW, CONFIG("\"responseMimeType\":\"application/json\",\"responseSchema\":{\"type\":\"ARRAY\",\"maxItems\":\"9000000000000000000\",\"items\":{\"type\":\"STRING\"}}"), STATES},
    {"system instruction to gemma 3", "gemma-3-27b-it", "{" USER("hi") ",\"systemInstruction\":{\"parts\":[{\"text\":\"s\"}]}}", "Developer instruction is not enabled for models/gemma-3-27b-it"},
    {"JSON from gemma 3", "gemma-3-27b-it", CONFIG("\"responseMimeType\":\"application/json\""), "JSON mode is not enabled for models/gemma-3-27b-it"},
    {"functions of gemma 3", "gemma-3-27b-it", "{" USER("hi") ",\"tools\":[{\"functionDeclarations\":[" FUNC("f") "]}]}", "Function calling is not enabled for models/gemma-3-27b-it"},
    {"system instruction to a speech model", "gemini-3.8-flash-tts", "{" USER("hi") ",\"systemInstruction\":{\"parts\":[{\"text\":\"s\"}]}}", "Developer instruction is not enabled for models/gemini-3.8-flash-tts"},
    /* tools of models */
    {"config without functions", NEW, "{" USER("hi") ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"AUTO\"}}}", "Function calling config is set without function_declarations."},
    {"one function twice", NEW, TOOLS(FUNC("f") "," FUNC("g") "," FUNC("f")), "Duplicate function declaration found: f"},
    {"allowed names with AUTO", NEW, "{" USER("hi") ",\"tools\":[{\"functionDeclarations\":[" FUNC("f") "]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"AUTO\",\"allowedFunctionNames\":[\"f\"]}}}", "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: allowed_function_names should only be set when the function calling mode is ANY or VALIDATED.\n"},
    {"mixed tools of 2.5", OLD, "{" USER("hi") ",\"tools\":[{\"functionDeclarations\":[" FUNC("f") "]},{\"googleSearch\":{}}]}", "Built-in tools ({google_search}) and Function Calling cannot be combined in the same request. Please choose one."},
    {"mixed tools", NEW, "{" USER("hi") ",\"tools\":[{\"functionDeclarations\":[" FUNC("f") "]},{\"googleSearch\":{}}]}", "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling."},
    {"mixed tools, enabled", NEW, "{" USER("hi") ",\"tools\":[{\"functionDeclarations\":[" FUNC("f") "]},{\"googleSearch\":{}}],\"toolConfig\":{\"includeServerSideToolInvocations\":true}}", NULL},
    {"JSON and tools of 2.5", OLD, "{" USER("hi") ",\"tools\":[{\"functionDeclarations\":[" FUNC("f") "]}],\"generationConfig\":{\"responseMimeType\":\"application/json\"}}", "Function calling with a response mime type: 'application/json' is unsupported"},
    {"JSON and tools", NEW, "{" USER("hi") ",\"tools\":[{\"functionDeclarations\":[" FUNC("f") "]}],\"generationConfig\":{\"responseMimeType\":\"application/json\"}}", NULL},
    {"JSON and ANY", NEW, "{" USER("hi") ",\"tools\":[{\"functionDeclarations\":[" FUNC("f") "]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\"}},\"generationConfig\":{\"responseMimeType\":\"application/json\"}}", "Forced function calling (ANY mode) with a response mime type: 'application/json' is unsupported"},
    /* media */
    {"GIF", NEW, PARTS("{\"inlineData\":{\"mimeType\":\"image/gif\",\"data\":\"R0lGODlh\"}}"), "Unsupported MIME type: image/gif"},
    {"image/jpg", NEW, PARTS("{\"inlineData\":{\"mimeType\":\"image/jpg\",\"data\":\"/9j/4AAQ\"}}"), "Unsupported MIME type: image/jpg"},
    {"no picture", NEW, PARTS("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"aGVsbG8=\"}}"), "Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting"},
    {"no PDF", NEW, PARTS("{\"inlineData\":{\"mimeType\":\"application/pdf\",\"data\":\"aGVsbG8=\"}}"), "The document has no pages."},
    {"a URL without a type", NEW, PARTS("{\"fileData\":{\"fileUri\":\"https://example.com/a.png\"}}"), "Unsupported MIME type: "},
    {"a URL", NEW, PARTS("{\"fileData\":{\"fileUri\":\"https://example.com/a.png\",\"mimeType\":\"image/png\"}}"), NULL},
    {"a URL for a model that reads none", "gemma-4-31b-it", PARTS("{\"fileData\":{\"fileUri\":\"https://example.com/a.png\",\"mimeType\":\"image/png\"}}"), "Invalid or unsupported file uri: https://example.com/a.png"},
    {"no https", NEW, PARTS("{\"fileData\":{\"fileUri\":\"http://example.com/a.png\",\"mimeType\":\"image/png\"}}"), "Invalid or unsupported file uri: http://example.com/a.png"},
    {"an object", NEW, PARTS("{\"fileData\":{\"fileUri\":\"gs://b/a.png\",\"mimeType\":\"image/png\"}}"), NULL},
    {"a URL that robots.txt forbids", NEW, PARTS("{\"fileData\":{\"fileUri\":\"https://example.com/emulate-unfetchable.png\",\"mimeType\":\"image/png\"}}"), "Cannot fetch content from the provided URL. Please ensure the URL is valid and accessible by Vertex AI. Vertex AI respects robots.txt rules, so confirm the URL is allowed to be crawled. Status: URL_ROBOTED-ROBOTED_DENIED"},
    {"a URL out of reach", NEW, PARTS("{\"fileData\":{\"fileUri\":\"https://localhost:8443/a.png\",\"mimeType\":\"image/png\"}}"), "Cannot fetch content from the provided URL. Please ensure the URL is valid and accessible by Vertex AI. Vertex AI respects robots.txt rules, so confirm the URL is allowed to be crawled. Status: URL_UNREACHABLE-UNREACHABLE_NO_RESPONSE"},
    {"a film", NEW, PARTS("{\"fileData\":{\"fileUri\":\"https://youtu.be/abc\"}}"), NULL},
    {"a foreign file", NEW, PARTS("{\"fileData\":{\"fileUri\":\"https://generativelanguage.googleapis.com/v1beta/files/abc\",\"mimeType\":\"image/png\"}}"), "You do not have permission to access the File abc or it may not exist."},
    /* turns */
    {"role of old", OLD, "{\"contents\":[{\"role\":\"system\",\"parts\":[{\"text\":\"a\"}]}]}", "Please use a valid role: user, model."},
    {"role of new", NEW, "{\"contents\":[{\"role\":\"function\",\"parts\":[{\"text\":\"a\"}]}]}", "Role 'function' is not supported. Please use a valid role: SYSTEM, SYSTEM_1, USER, ASSISTANT, DEVELOPER, CONTEXT, USER_CONTEXT, MODEL, USER."},
    {"model speaks last", NEW, TALK_2(SAID("a"), MODEL("b")), "Requests ending with a model turn are not supported."},
    {"model speaks last, 3.5", MID, TALK_2(SAID("a"), MODEL("b")), NULL},
    {"two users in a row", NEW, TALK_2(SAID("a"), SAID("b")), NULL},
    {"call first", NEW, TALK_2(CALL("", SIGNED), RESULT("")), "Please ensure that function call turn comes immediately after a user turn or after a function response turn."},
    {"call after words", NEW, TALK_4(SAID("a"), MODEL("b"), CALL("", SIGNED), RESULT("")), "Please ensure that function call turn comes immediately after a user turn or after a function response turn."},
    {"no result", NEW, TALK_3(SAID("a"), CALL("", SIGNED), SAID("b")), "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn."},
    {"one of two results", NEW, TALK_3(SAID("a"), TWO_CALLS, RESULT("")), "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn."},
    {"results apart", NEW, TALK_4(SAID("a"), TWO_CALLS, RESULT(""), RESULT("")), "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn."},
    {"result of nothing", NEW, TALK_2(SAID("a"), RESULT("")), "Please ensure that function response turn comes immediately after a function call turn."},
    {"result with words beside it", NEW, TALK_3(SAID("a"), CALL("", SIGNED), "{\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{}}},{\"text\":\"b\"}]}"), "Requests ending with a model turn are not supported."},
    {"a step", NEW, TALK_3(SAID("a"), CALL("", SIGNED), RESULT("")), NULL},
    {"two steps", NEW, TALK_5(SAID("a"), CALL("", SIGNED), RESULT(""), CALL("", SIGNED), RESULT("")), NULL},
    /* signatures */
    {"unsigned", NEW, TALK_3(SAID("a"), CALL("", ""), RESULT("")), "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:f` , position 2. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."},
    {"second step unsigned", NEW, TALK_5(SAID("a"), CALL("", SIGNED), RESULT(""), CALL("", ""), RESULT("")), "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:f` , position 4. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."},
    {"unsigned, in an older turn", NEW, TALK_5(SAID("a"), CALL("", ""), RESULT(""), MODEL("b"), SAID("c")), NULL},
    {"unsigned, 2.5", OLD, TALK_3(SAID("a"), CALL("", ""), RESULT("")), NULL},
    {"the other dummy", NEW, TALK_3(SAID("a"), CALL("", ",\"thoughtSignature\":\"context_engineering_is_the_way_to_go\""), RESULT("")), NULL},
    {"a foreign signature", NEW, TALK_3(SAID("a"), CALL("", ",\"thoughtSignature\":\"QUJDREVGRw==\""), RESULT("")), "Invalid thought signature."},
    {"a foreign signature on words", NEW, TALK_3(SAID("a"), "{\"role\":\"model\",\"parts\":[{\"text\":\"b\",\"thoughtSignature\":\"QUJDREVGRw==\"}]}", SAID("c")), "Invalid thought signature."},
  /* clang-format on */
};

static void messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEM(ROWS); i++) {
        const struct row *r = &ROWS[i];
        struct demo d;
        struct str got;

        demo_ask(&d, r->model, EMU_GENERATE, r->body);
        got = buf_str(&d.answer.problem.message);
        if ((r->message == NULL) != (d.answer.problem.http == 0) ||
            (r->message != NULL && !str_eq(got, str_z(r->message))))
            fail_msg("%s: got %d %.*s", r->name, d.answer.problem.http, S_ARG(got));
        demo_done(&d);
    }
}

/* Details are there where Google has them. */
static void details(void **state)
{
    struct demo d;

    (void)state;
    demo_ask(&d, NEW, EMU_GENERATE, CONFIG("\"maxTokens\":5"));
    demo_has(demo_whole(&d),
             "{\"error\":{\"code\":400,\"message\":\"Invalid JSON payload received. Unknown name "
             "\\\"maxTokens\\\" at 'generation_config': Cannot find field.\",\"status\":"
             "\"INVALID_ARGUMENT\",\"details\":[{\"@type\":"
             "\"type.googleapis.com/google.rpc.BadRequest\",\"fieldViolations\":[{\"field\":"
             "\"generation_config\",\"description\":");
    demo_done(&d);
    demo_ask(&d, NEW, EMU_GENERATE, "{}");
    demo_lacks(demo_whole(&d), "details");
    demo_done(&d);
}

/* A tool result that answers no call is not refused: the model falls silent. */
static void mute(void **state)
{
    static const struct {
        const char *name, *model, *body;
        bool silent;
    } rows[] = {
        {"same id",       NEW, TALK_3(SAID("a"), CALL(",\"id\":\"x\"", SIGNED), RESULT(",\"id\":\"x\"")),
         false                                                                                                 },
        {"other id",      NEW, TALK_3(SAID("a"), CALL(",\"id\":\"x\"", SIGNED), RESULT(",\"id\":\"y\"")),
         true                                                                                                  },
        {"no id",         NEW, TALK_3(SAID("a"), CALL(",\"id\":\"x\"", SIGNED), RESULT("")),              true },
        {"no id, 3.5",    MID, TALK_3(SAID("a"), CALL(",\"id\":\"x\"", SIGNED), RESULT("")),              false},
        {"other id, 2.5", OLD,
         TALK_3(SAID("a"),                       CALL(",\"id\":\"x\"", SIGNED), RESULT(",\"id\":\"y\"")), false},
    };

    (void)state;
    for (size_t i = 0; i < NELEM(rows); i++) {
        struct demo d;
        const char *text;

        demo_ask(&d, rows[i].model, EMU_GENERATE, rows[i].body);
        text = demo_whole(&d);
        demo_has(text, "\"finishReason\":\"STOP\"");
        if ((demo_count(text, "candidatesTokenCount") == 0) != rows[i].silent)
            fail_msg("%s: %s", rows[i].name, text);
        demo_done(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),
        cmocka_unit_test(details),
        cmocka_unit_test(mute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
