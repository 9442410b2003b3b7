/* Copyright 2026 The queqiao authors
 * SPDX-License-Identifier: MIT */
/* schema.c - the request messages of the v1beta API, a row for each field. A new field of Google's
 * is one row here. Checks that need more than the type are in check_*.c.
 *
 *   source  the API's discovery document, revision 20260917 */
#include "demo/schema.h"

#define W(...)                                                                                     \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define MESSAGE(var, type)                                                                         \
    static const struct emu_message var = {type, var##_FIELDS, NELEM(var##_FIELDS)}

/* The rows of a table, by type. */
/* clang-format off */
#define STR(name)            {name, EMU_STRING, 0, NULL, NULL, NULL}
#define STRS(name)           {name, EMU_STRING, EMU_REPEATED, NULL, NULL, NULL}
#define BYT(name)            {name, EMU_BYTES, 0, NULL, NULL, NULL}
#define BOOL(name)           {name, EMU_BOOL, 0, NULL, NULL, NULL}
#define I32(name)            {name, EMU_INT32, 0, NULL, NULL, NULL}
#define I64(name)            {name, EMU_INT64, 0, NULL, NULL, NULL}
#define FLT(name)            {name, EMU_FLOAT, 0, NULL, NULL, NULL}
#define DBL(name)            {name, EMU_DOUBLE, 0, NULL, NULL, NULL}
#define ANY(name)            {name, EMU_VALUE, 0, NULL, NULL, NULL}
#define OBJ(name)            {name, EMU_STRUCT, 0, NULL, NULL, NULL}
#define TIME(name)           {name, EMU_DURATION, 0, NULL, NULL, NULL}
#define DATE(name)           {name, EMU_TIMESTAMP, 0, NULL, NULL, NULL}
#define WORDS(name)          {name, EMU_STRING_MAP, 0, NULL, NULL, NULL}
#define MSG(name, of)        {name, EMU_MESSAGE, 0, &of, NULL, NULL}
#define MSGS(name, of)       {name, EMU_MESSAGE, EMU_REPEATED, &of, NULL, NULL}
#define MAP(name, of)        {name, EMU_MAP, 0, &of, NULL, NULL}
#define ENUM(name, of, ...)  {name, EMU_ENUM, 0, NULL, of, W(__VA_ARGS__)}
#define ENUMS(name, of, ...) {name, EMU_ENUM, EMU_REPEATED, NULL, of, W(__VA_ARGS__)}
#define DATA_STR(name)       {name, EMU_STRING, EMU_DATA, NULL, NULL, NULL}
#define DATA_MSG(name, of)   {name, EMU_MESSAGE, EMU_DATA, &of, NULL, NULL}
/* clang-format on */

static const struct emu_message NOTHING = {"Empty", NULL, 0};

/* Schema: the OpenAPI subset. It holds itself. */
static const struct emu_message SCHEMA;
static const struct emu_field SCHEMA_FIELDS[] = {
    ENUM("type", "Type", "TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY",
         "OBJECT", "NULL"),
    STR("format"),
    STR("title"),
    STR("description"),
    BOOL("nullable"),
    STRS("enum"),
    MSG("items", SCHEMA),
    I64("max_items"),
    I64("min_items"),
    MAP("properties", SCHEMA),
    STRS("required"),
    STRS("property_ordering"),
    I64("min_properties"),
    I64("max_properties"),
    I64("min_length"),
    I64("max_length"),
    STR("pattern"),
    DBL("minimum"),
    DBL("maximum"),
    MSGS("any_of", SCHEMA),
    ANY("default"),
    ANY("example"),
};
MESSAGE(SCHEMA, "Schema");

/* Contents. */
static const struct emu_field BLOB_FIELDS[] = {STR("mime_type"), BYT("data"), STR("display_name")};
MESSAGE(BLOB, "Blob");
static const struct emu_field FILE_DATA_FIELDS[] = {STR("mime_type"), STR("file_uri")};
MESSAGE(FILE_DATA, "FileData");
static const struct emu_field CALL_FIELDS[] = {STR("id"), STR("name"), OBJ("args")};
MESSAGE(CALL, "FunctionCall");
static const struct emu_field RESPONSE_PART_FIELDS[] = {MSG("inline_data", BLOB),
                                                        MSG("file_data", FILE_DATA)};
MESSAGE(RESPONSE_PART, "FunctionResponsePart");
static const struct emu_field RESPONSE_FIELDS[] = {
    STR("id"),
    STR("name"),
    OBJ("response"),
    MSGS("parts", RESPONSE_PART),
    BOOL("will_continue"),
    ENUM("scheduling", "FunctionResponse.Scheduling", "SCHEDULING_UNSPECIFIED", "SILENT",
         "WHEN_IDLE", "INTERRUPT"),
};
MESSAGE(RESPONSE, "FunctionResponse");
static const struct emu_field CODE_FIELDS[] = {
    STR("id"),
    STR("code"),
    ENUM("language", "ExecutableCode.Language", "LANGUAGE_UNSPECIFIED", "PYTHON"),
};
MESSAGE(CODE, "ExecutableCode");
static const struct emu_field CODE_RESULT_FIELDS[] = {
    STR("id"),
    STR("output"),
    ENUM("outcome", "CodeExecutionResult.Outcome", "OUTCOME_UNSPECIFIED", "OUTCOME_OK",
         "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"),
};
MESSAGE(CODE_RESULT, "CodeExecutionResult");
#define TOOL_TYPES                                                                                 \
    "TOOL_TYPE_UNSPECIFIED", "GOOGLE_SEARCH_WEB", "GOOGLE_SEARCH_IMAGE", "URL_CONTEXT",            \
        "GOOGLE_MAPS", "FILE_SEARCH", "MEDIA_PROCESSING"
static const struct emu_field TOOL_CALL_FIELDS[] = {
    STR("id"), ENUM("tool_type", "ToolType", TOOL_TYPES), OBJ("args")};
MESSAGE(TOOL_CALL, "ToolCall");
static const struct emu_field TOOL_RESPONSE_FIELDS[] = {
    STR("id"), ENUM("tool_type", "ToolType", TOOL_TYPES), OBJ("response")};
MESSAGE(TOOL_RESPONSE, "ToolResponse");
static const struct emu_field HEARD_WORD_FIELDS[] = {STR("word"), TIME("start_offset"),
                                                     TIME("end_offset")};
MESSAGE(HEARD_WORD, "AudioTranscription.Word");
static const struct emu_field HEARD_FIELDS[] = {
    STR("text"),          BOOL("finished"),          STR("language_code"),
    STR("speaker_label"), MSGS("words", HEARD_WORD), TIME("start_offset"),
    TIME("end_offset"),
};
MESSAGE(HEARD, "AudioTranscription");
static const struct emu_field VIDEO_FIELDS[] = {TIME("start_offset"), TIME("end_offset"),
                                                DBL("fps")};
MESSAGE(VIDEO, "VideoMetadata");
#define RESOLUTIONS                                                                                \
    "MEDIA_RESOLUTION_UNSPECIFIED", "MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_MEDIUM",             \
        "MEDIA_RESOLUTION_HIGH"
static const struct emu_field RESOLUTION_FIELDS[] = {
    ENUM("level", "MediaResolution.Level", RESOLUTIONS, "MEDIA_RESOLUTION_ULTRA_HIGH"),
    I32("num_tokens"),
};
MESSAGE(RESOLUTION, "MediaResolution");
static const struct emu_field SPOKEN_FIELDS[] = {STR("speaker"), STR("style")};
MESSAGE(SPOKEN, "SpeechMetadata");
static const struct emu_field PART_FIELDS[] = {
    DATA_STR("text"),
    DATA_MSG("inline_data", BLOB),
    DATA_MSG("file_data", FILE_DATA),
    DATA_MSG("function_call", CALL),
    DATA_MSG("function_response", RESPONSE),
    DATA_MSG("executable_code", CODE),
    DATA_MSG("code_execution_result", CODE_RESULT),
    DATA_MSG("tool_call", TOOL_CALL),
    DATA_MSG("tool_response", TOOL_RESPONSE),
    DATA_MSG("audio_transcription", HEARD),
    BOOL("thought"),
    BYT("thought_signature"),
    MSG("video_metadata", VIDEO),
    MSG("media_resolution", RESOLUTION),
    MSG("speech_metadata", SPOKEN),
    OBJ("part_metadata"),
    ENUM("media_processing", "Part.MediaProcessing", "MEDIA_PROCESSING_UNSPECIFIED", "STATIC",
         "AGENTIC"),
};
MESSAGE(PART, "Part");
static const struct emu_field CONTENT_FIELDS[] = {MSGS("parts", PART), STR("role")};
MESSAGE(CONTENT, "Content");

/* Tools. */
static const struct emu_field FUNCTION_FIELDS[] = {
    STR("name"),
    STR("description"),
    MSG("parameters", SCHEMA),
    ANY("parameters_json_schema"),
    MSG("response", SCHEMA),
    ANY("response_json_schema"),
    ENUM("behavior", "FunctionDeclaration.Behavior", "UNSPECIFIED", "BLOCKING", "NON_BLOCKING"),
};
MESSAGE(FUNCTION, "FunctionDeclaration");
static const struct emu_field SEARCH_TYPES_FIELDS[] = {MSG("web_search", NOTHING),
                                                       MSG("image_search", NOTHING)};
MESSAGE(SEARCH_TYPES, "SearchTypes");
static const struct emu_field INTERVAL_FIELDS[] = {DATE("start_time"), DATE("end_time")};
MESSAGE(INTERVAL, "Interval");
static const struct emu_field SEARCH_FIELDS[] = {MSG("time_range_filter", INTERVAL),
                                                 MSG("search_types", SEARCH_TYPES)};
MESSAGE(SEARCH, "GoogleSearch");
static const struct emu_field MAPS_FIELDS[] = {BOOL("enable_widget"), OBJ("auth_config")};
MESSAGE(MAPS, "GoogleMaps");
static const struct emu_field FILE_SEARCH_FIELDS[] = {STRS("file_search_store_names"),
                                                      STR("metadata_filter"), I32("top_k")};
MESSAGE(FILE_SEARCH, "FileSearch");
static const struct emu_field COMPUTER_FIELDS[] = {
    ENUM("environment", "ComputerUse.Environment", "ENVIRONMENT_UNSPECIFIED", "ENVIRONMENT_BROWSER",
         "ENVIRONMENT_MOBILE", "ENVIRONMENT_DESKTOP"),
    STRS("excluded_predefined_functions"),
    STRS("disabled_safety_policies"),
    BOOL("enable_prompt_injection_detection"),
};
MESSAGE(COMPUTER, "ComputerUse");
static const struct emu_field MCP_HTTP_FIELDS[] = {
    STR("url"),
    WORDS("headers"),
    TIME("timeout"),
    TIME("sse_read_timeout"),
    BOOL("terminate_on_close"),
};
MESSAGE(MCP_HTTP, "StreamableHttpTransport");
static const struct emu_field MCP_FIELDS[] = {STR("name"),
                                              MSG("streamable_http_transport", MCP_HTTP)};
MESSAGE(MCP, "McpServer");
static const struct emu_field TOOL_FIELDS[] = {
    MSGS("function_declarations", FUNCTION),
    MSG("google_search", SEARCH),
    OBJ("google_search_retrieval"),
    MSG("code_execution", NOTHING),
    MSG("url_context", NOTHING),
    MSG("google_maps", MAPS),
    MSG("file_search", FILE_SEARCH),
    MSG("computer_use", COMPUTER),
    MSGS("mcp_servers", MCP),
};
MESSAGE(TOOL, "Tool");
static const struct emu_field CALLING_FIELDS[] = {
    ENUM("mode", "FunctionCallingConfig.Mode", "MODE_UNSPECIFIED", "AUTO", "ANY", "NONE",
         "VALIDATED"),
    STRS("allowed_function_names"),
};
MESSAGE(CALLING, "FunctionCallingConfig");
static const struct emu_field LAT_LNG_FIELDS[] = {DBL("latitude"), DBL("longitude")};
MESSAGE(LAT_LNG, "LatLng");
static const struct emu_field RETRIEVAL_FIELDS[] = {MSG("lat_lng", LAT_LNG), STR("language_code")};
MESSAGE(RETRIEVAL, "RetrievalConfig");
static const struct emu_field TOOL_CONFIG_FIELDS[] = {
    MSG("function_calling_config", CALLING),
    MSG("retrieval_config", RETRIEVAL),
    BOOL("include_server_side_tool_invocations"),
};
MESSAGE(TOOL_CONFIG, "ToolConfig");

/* Generation. */
static const struct emu_field THINKING_FIELDS[] = {
    BOOL("include_thoughts"),
    I32("thinking_budget"),
    ENUM("thinking_level", "ThinkingConfig.ThinkingLevel", "THINKING_LEVEL_UNSPECIFIED", "MINIMAL",
         "LOW", "MEDIUM", "HIGH"),
};
MESSAGE(THINKING, "ThinkingConfig");
static const struct emu_field PREBUILT_FIELDS[] = {STR("voice_name")};
MESSAGE(PREBUILT, "PrebuiltVoiceConfig");
static const struct emu_field VOICE_FIELDS[] = {MSG("prebuilt_voice_config", PREBUILT)};
MESSAGE(VOICE, "VoiceConfig");
static const struct emu_field SPEAKER_FIELDS[] = {STR("speaker"), MSG("voice_config", VOICE)};
MESSAGE(SPEAKER, "SpeakerVoiceConfig");
static const struct emu_field SPEAKERS_FIELDS[] = {MSGS("speaker_voice_configs", SPEAKER)};
MESSAGE(SPEAKERS, "MultiSpeakerVoiceConfig");
static const struct emu_field SPEECH_FIELDS[] = {
    MSG("voice_config", VOICE),
    MSG("multi_speaker_voice_config", SPEAKERS),
    STR("language_code"),
};
MESSAGE(SPEECH, "SpeechConfig");
static const struct emu_field IMAGE_FIELDS[] = {STR("aspect_ratio"), STR("image_size")};
MESSAGE(IMAGE, "ImageConfig");
static const struct emu_field CONFIG_FIELDS[] = {
    I32("candidate_count"),
    STRS("stop_sequences"),
    I32("max_output_tokens"),
    FLT("temperature"),
    FLT("top_p"),
    I32("top_k"),
    I32("seed"),
    STR("response_mime_type"),
    MSG("response_schema", SCHEMA),
    ANY("response_json_schema"),
    ANY("_response_json_schema"),
    ANY("response_format"),
    FLT("presence_penalty"),
    FLT("frequency_penalty"),
    BOOL("response_logprobs"),
    I32("logprobs"),
    BOOL("enable_enhanced_civic_answers"),
    BOOL("enable_affective_dialog"),
    ENUMS("response_modalities", "GenerationConfig.Modality", "MODALITY_UNSPECIFIED", "TEXT",
          "IMAGE", "AUDIO", "VIDEO"),
    MSG("speech_config", SPEECH),
    MSG("thinking_config", THINKING),
    MSG("image_config", IMAGE),
    ENUM("media_resolution", "GenerationConfig.MediaResolution", RESOLUTIONS),
    OBJ("audio_transcription_config"),
    OBJ("translation_config"),
};
MESSAGE(CONFIG, "GenerationConfig");
static const struct emu_field SAFETY_FIELDS[] = {
    ENUM("category", "HarmCategory", "HARM_CATEGORY_UNSPECIFIED", "HARM_CATEGORY_HARASSMENT",
         "HARM_CATEGORY_HATE_SPEECH", "HARM_CATEGORY_SEXUALLY_EXPLICIT",
         "HARM_CATEGORY_DANGEROUS_CONTENT", "HARM_CATEGORY_CIVIC_INTEGRITY",
         "HARM_CATEGORY_JAILBREAK"),
    ENUM("threshold", "SafetySetting.HarmBlockThreshold", "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
         "BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"),
};
MESSAGE(SAFETY, "SafetySetting");

/* Requests. */
static const struct emu_field GENERATE_FIELDS[] = {
    STR("model"),
    MSGS("contents", CONTENT),
    MSG("system_instruction", CONTENT),
    MSGS("tools", TOOL),
    MSG("tool_config", TOOL_CONFIG),
    MSGS("safety_settings", SAFETY),
    MSG("generation_config", CONFIG),
    STR("cached_content"),
    WORDS("labels"),
    BOOL("store"),
    BYT("continuation_token"),
    ENUM("service_tier", "ServiceTier", "unspecified", "standard", "flex", "priority"),
};
const struct emu_message emu_generate_content_request = {"GenerateContentRequest", GENERATE_FIELDS,
                                                         NELEM(GENERATE_FIELDS)};
static const struct emu_field COUNT_FIELDS[] = {
    STR("model"),
    MSGS("contents", CONTENT),
    MSG("generate_content_request", emu_generate_content_request),
};
const struct emu_message emu_count_tokens_request = {"CountTokensRequest", COUNT_FIELDS,
                                                     NELEM(COUNT_FIELDS)};
static const struct emu_field EMBED_FIELDS[] = {
    STR("model"),
    MSG("content", CONTENT),
    STR("title"),
    I32("output_dimensionality"),
    ENUM("task_type", "TaskType", "TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT",
         "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING", "QUESTION_ANSWERING",
         "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY"),
};
const struct emu_message emu_embed_content_request = {"EmbedContentRequest", EMBED_FIELDS,
                                                      NELEM(EMBED_FIELDS)};
static const struct emu_field EMBEDS_FIELDS[] = {STR("model"),
                                                 MSGS("requests", emu_embed_content_request)};
const struct emu_message emu_batch_embed_request = {"BatchEmbedContentsRequest", EMBEDS_FIELDS,
                                                    NELEM(EMBEDS_FIELDS)};
